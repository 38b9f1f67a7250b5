"""Parasites: infective stage, intermediate host, place in the body."""

from __future__ import annotations

from cmexam_baseline.exam.sample.fact_table import Pairs
from cmexam_baseline.exam.sample.labels import Labels

PARASITES = Labels("某些感染性疾病或寄生虫病", "医学基础知识", "传染科", "临床医学")
PREVENTION = Labels("某些感染性疾病或寄生虫病", "医学基础知识", "地方病科", "公卫预防")

TABLES = (
    Pairs(
        topic="寄生虫的感染阶段",
        rows={
            PARASITES: {
                "钩虫（hookworm）": "丝状蚴",
                "日本血吸虫（Schistosoma japonicum）": "尾蚴",
                "华支睾吸虫（Clonorchis sinensis）": "囊蚴",
                "旋毛虫（Trichinella spiralis）": "囊包幼虫",
                "溶组织内阿米巴（Entamoeba histolytica）": "四核包囊",
                "疟原虫（Plasmodium）": "子孢子",
                "牛带绦虫（Taenia saginata）": "囊尾蚴",
                "蛔虫（Ascaris lumbricoides）": "感染期虫卵",
                "阴道毛滴虫（Trichomonas vaginalis）": "滋养体",
                "杜氏利什曼原虫（Leishmania donovani）": "前鞭毛体",
                "曼氏迭宫绦虫（Spirometra mansoni）": "裂头蚴",
            }
        },
        forward=("{s}感染人体的阶段是", "{s}的感染期为"),
        backward=("感染阶段为{v}的寄生虫是", "以{v}感染人体的寄生虫是"),
        statement="{s}的感染阶段是{v}",
    ),
    Pairs(
        topic="寄生虫的中间宿主",
        rows={
            PREVENTION: {
                "日本血吸虫": "钉螺",
                "华支睾吸虫（第二中间宿主）": "淡水鱼、虾",
                "卫氏并殖吸虫（第二中间宿主）": "溪蟹、蝲蛄",
                "布氏姜片吸虫": "扁卷螺",
                "牛带绦虫": "牛",
                "细粒棘球绦虫": "羊等食草动物",
                "班氏丝虫": "致倦库蚊与淡色库蚊",
                "曼氏迭宫绦虫（第二中间宿主）": "蛙",
                "微小膜壳绦虫": "蚤类与面粉甲虫",
                "广州管圆线虫": "福寿螺与褐云玛瑙螺",
            }
        },
        forward=("{s}的中间宿主是", "下列哪项可作为{s}的中间宿主"),
        backward=("以{v}为中间宿主的寄生虫是", "{v}是哪种寄生虫的中间宿主"),
        statement="{s}的中间宿主是{v}",
        also={"细粒棘球绦虫": ("牛",)},
    ),
    Pairs(
        topic="寄生虫成虫的寄生部位",
        rows={
            PARASITES: {
                "日本血吸虫": "门脉-肠系膜静脉系统",
                "华支睾吸虫": "肝内胆管",
                "卫氏并殖吸虫": "肺",
                "班氏丝虫": "淋巴系统",
                "钩虫": "小肠",
                "毛首鞭形线虫（鞭虫）": "盲肠",
                "广州管圆线虫（在鼠体内）": "肺动脉",
                "阴道毛滴虫": "阴道与尿道",
                "结膜吸吮线虫": "眼结膜囊",
            }
        },
        forward=("{s}主要寄生于", "{s}成虫（滋养体）的寄生部位是"),
        backward=("主要寄生于{v}的寄生虫是", "寄生部位为{v}的是"),
        statement="{s}主要寄生于{v}",
    ),
    Pairs(
        topic="寄生虫感染所致的病变",
        rows={
            Labels("某些感染性疾病或寄生虫病", "疾病诊断和鉴别诊断", "传染科", "临床医学"): {
                "钩虫": "慢性失血所致的缺铁性贫血",
                "华支睾吸虫": "胆管炎与胆管癌",
                "埃及血吸虫": "血尿与膀胱癌",
                "班氏丝虫": "象皮肿与乳糜尿",
                "蛲虫": "夜间肛周瘙痒",
                "蛔虫": "胆道蛔虫症",
                "猪囊尾蚴": "皮下结节与癫痫发作",
                "杜氏利什曼原虫": "长期发热、脾大与全血细胞减少",
                "溶组织内阿米巴": "结肠烧瓶状溃疡",
                "旋毛虫": "眼睑水肿与全身肌痛",
                "鞭虫重度感染": "直肠脱垂",
            }
        },
        forward=("{s}感染可引起", "与{s}感染关系最密切的是"),
        backward=("可引起{v}的寄生虫是", "患者出现{v}，应首先考虑的寄生虫感染是"),
        statement="{s}可引起{v}",
    ),
)
