"""A small exam with something to learn: which nutrient prevents which disease, asked in several ways."""

from __future__ import annotations

import random

from cmexam_baseline.exam import Exam, Question

_FACTS = {
    "维生素A": "夜盲症",
    "维生素B1": "脚气病",
    "维生素C": "坏血病",
    "维生素D": "佝偻病",
    "烟酸": "癞皮病",
    "叶酸": "巨幼细胞性贫血",
    "碘": "地方性甲状腺肿",
    "铁": "小细胞低色素性贫血",
    "锌": "异食癖",
    "硒": "克山病",
    "氟": "龋齿",
    "维生素K": "凝血功能障碍",
}
_WAYS = (
    "缺乏可致{}的营养素是",
    "{}患者最可能缺乏",
    "下列营养素中可预防{}的是",
    "治疗{}应首选补充",
    "与{}有关的营养素是",
)
_NEGATED = "缺乏时不会引起{}的营养素是"


def tiny_exam(seed: int = 0, prefix: str = "q") -> Exam:
    """Each of twelve facts asked in five ways, by two letters and negated, shuffled; a third explained."""
    generator = random.Random(seed)
    questions = []
    for nutrient, disease in _FACTS.items():
        others = [name for name in _FACTS if name != nutrient]
        for way in _WAYS:
            options = [nutrient, *generator.sample(others, 4)]
            explanation = f"缺乏{nutrient}可引起{disease}。其他营养素与此无关。"
            questions.append(_question(way.format(disease), options, {nutrient}, explanation, generator))
        pair = generator.sample(others, 2)
        stem = f"缺乏可致{disease}或{_FACTS[pair[0]]}的营养素有"
        options = [nutrient, *pair, *generator.sample([name for name in others if name not in pair], 2)]
        questions.append(_question(stem, options, {nutrient, pair[0]}, "", generator))
        options = generator.sample(others, 3)
        questions.append(
            _question(
                _NEGATED.format(_FACTS[options[0]]), [*options[:1], nutrient], {nutrient}, "", generator
            )
        )
    generator.shuffle(questions)
    return Exam.from_questions(Question(f"{prefix}{row}", *parts) for row, parts in enumerate(questions, 1))


def _question(
    stem: str, options: list[str], right: set[str], explanation: str, generator: random.Random
) -> tuple[str, tuple[str, ...], str, str]:
    shuffled = generator.sample(options, len(options))
    letters = "".join(letter for letter, text in zip("ABCDE", shuffled, strict=False) if text in right)
    return stem, tuple(shuffled), letters, explanation if generator.random() < 0.5 else ""


def altered(exam: Exam, rows: list[int]) -> Exam:
    """`exam` with another answer and another explanation in `rows`, all else the same."""
    answers = exam.answers.copy()
    explanations = list(exam.explanations)
    for row in rows:
        full = (1 << int(exam.n_options[row])) - 1
        answers[row] = full ^ int(answers[row]) or 1
        explanations[row] = f"完全不同的解析：{exam.options(row)[0]}与{exam.questions[row]}相符。"
    return Exam(exam.ids, exam.questions, exam.option_texts, exam.option_offsets, answers, explanations)
