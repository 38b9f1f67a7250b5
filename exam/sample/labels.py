"""The annotations of a question, with the names that CMExam's test split gives them."""

from __future__ import annotations

from typing import NamedTuple

NOT_APPLICABLE = "不符合"

DISEASE_GROUPS = (
    NOT_APPLICABLE,
    "补充章传统医学病证-模块1",
    "某些感染性疾病或寄生虫病",
    "内分泌、营养或代谢疾病",
    "消化系统疾病",
    "循环系统疾病",
    "肿瘤",
    "呼吸系统疾病",
    "神经系统疾病",
    "泌尿生殖系统疾病",
    "肌肉骨骼系统或结缔组织疾病",
    "血液或造血器官疾病",
    "精神、行为或神经发育障碍",
    "影响健康状态或与保健机构接触的因素",
    "妊娠、分娩或产褥期",
    "损伤、中毒或外因的某些其他后果",
    "起源于围生期的某些情况",
    "免疫系统疾病",
    "发育异常",
    "皮肤疾病",
    "视觉系统疾病",
    "疾病或死亡的外因",
    "耳或乳突疾病",
)
COMPETENCIES = ("医学基础知识", "疾病诊断和鉴别诊断", "疾病治疗", "公卫法律伦理", NOT_APPLICABLE)
DEPARTMENTS = (
    NOT_APPLICABLE,
    "内科",
    "中医科",
    "口腔科",
    "外科",
    "妇产科",
    "传染科",
    "儿科",
    "肿瘤科",
    "精神科",
    "医学检验科",
    "急诊医学科",
    "预防保健科",
    "结核病科",
    "医学影像科",
    "职业病科",
    "临床营养科",
    "眼科",
    "耳鼻咽喉科",
    "病理科",
    "皮肤科",
    "儿童保健科",
    "麻醉科",
    "妇女保健",
    "运动医学科",
    "中西医结合科",
    "疼痛科",
    "地方病科",
    "儿童外科",
    "全科医疗",
    "临终关怀科",
    "民族医学科",
    "重症医学科",
    "医疗美容科",
    "康复医学科",
    "特种医学与军事医学科",
)
DISCIPLINES = ("临床医学", "口腔医学", "中药学", "药学", "中西医结合", "中医学", "公卫预防")
DIFFICULTIES = ("1", "2", "3", "4", "5")

ANNOTATION_COLUMNS = {
    "Disease Group": DISEASE_GROUPS,
    "Area of Competency": COMPETENCIES,
    "Clinical Department": DEPARTMENTS,
    "Medical Discipline": DISCIPLINES,
    "Difficulty level": DIFFICULTIES,
}


class Labels(NamedTuple):
    """Four annotations of a fact in CMExam's column order; the fifth, difficulty, depends on how it is asked.

    >>> Labels("神经系统疾病", "医学基础知识", "内科", "临床医学").department
    '内科'
    """

    disease_group: str
    competency: str
    department: str
    discipline: str


def diagnosis(disease_group: str, department: str, discipline: str = "临床医学") -> Labels:
    """Labels of a fact that serves to find out what a patient has."""
    return Labels(disease_group, "疾病诊断和鉴别诊断", department, discipline)


def treatment(disease_group: str, department: str, discipline: str = "临床医学") -> Labels:
    """Labels of a fact that serves to decide what to do."""
    return Labels(disease_group, "疾病治疗", department, discipline)
