"""Which stems ask for the option that does not apply."""

from __future__ import annotations

import pytest

from cmexam_baseline.exam.stem_wording import is_negated

NEGATED = [
    "不属于β受体阻断剂的是",
    "下列叙述中，错误的是（　　）。",
    "以下入汤剂不需包煎的中药是",
    "入汤剂不需后下的中药是",
    "并非出自《温病条辨》的方剂是",
    "下列哪项非糖皮质激素的不良反应",
    "下列辅料中，不作为甜味剂使用的是",
    "不与乌头相反的中药是",
    "下列哪种情形不适合共同参与型医患关系",
    "以下药物中没有抗炎作用的是",
    "男，60岁，高血压，夜间不能平卧，不宜使用的药物是",
    "不能口服给药的药物，是",
    "关于休克的说法不对的是",
    "下列“不属于”抗生素的是",
    "除哪项外，均为急腹症的表现",
]
PLAIN = [
    "属于β受体阻断剂的是",
    "属于非甾体抗炎药的是",
    "下列哪种非甾体抗炎药可致耳鸣",
    "下列哪种非霍奇金淋巴瘤预后最差",
    "以下属于非去极化肌松药的麻醉用药有",
    "下列降血糖药中，属于非磺酰脲类促胰岛素分泌药的是",
    "下列哪些材料属于非弹性印模材料",
    "表示暴露组与非暴露组发病率之比的指标是",
    "随访暴露者1000人，发病50人；随访非暴露者2000人，发病20人，归因危险度（AR）为",
    "某筛检试验用于200名确诊患者和800名非患者，非患者中80人阳性，该试验的特异度为",
    "“生后2～4周喷射性非胆汁性呕吐，右上腹橄榄样肿块”是下列哪种疾病的特点",
    "西地那非的作用机制是",
    "“反复出现、明知不必要又难以摆脱的观念和动作”是下列哪种障碍的核心表现",
    "患者表现为没有客观刺激时出现的知觉体验，这一症状是",
    "男，60岁，夜间不能平卧，首选的治疗是",
    "属于不可逆性抑制剂的是",
    "肾切除术后外伤的处理首选",
    "面部左右不对称见于",
    "",
]


@pytest.mark.parametrize(("stems", "expected"), [(NEGATED, True), (PLAIN, False)])
def test_stems(stems: list[str], expected: bool) -> None:
    found = is_negated(stems).tolist()
    assert [stem for stem, negated in zip(stems, found, strict=True) if negated != expected] == []
