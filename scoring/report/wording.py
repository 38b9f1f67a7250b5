"""The words of the report page in English and Chinese."""

from __future__ import annotations

from types import SimpleNamespace

LANGUAGES = ("en", "zh")

_WORDS = {
    # Head and first screen
    "title": ("CMExam report", "CMExam 评测报告"),
    "scored": ("{n} questions of {exam}", "{exam}，共 {n} 题"),
    "contents": ("Contents", "目录"),
    "one_system": (
        "{name} answers {value}% of {n} questions correctly (95% interval {low} to {high}).",
        "{name} 答对 {n} 题中的 {value}%（95% 置信区间 {low}–{high}）。",
    ),
    "best_system": (
        "{name} is the most accurate of {count} systems: {value}% of {n} questions (95% interval {low} to {high}).",
        "{count} 个系统中 {name} 准确率最高：{n} 题答对 {value}%（95% 置信区间 {low}–{high}）。",
    ),
    "better_than_all": (
        "It is significantly better than every other system.",
        "与其余各系统的差异均有统计学意义。",
    ),
    "better_than_none": (
        "Its lead over the other systems is not significant.",
        "与其余系统的差异均无统计学意义。",
    ),
    "better_than_some": (
        "It is significantly better than {count} of the {others} others, but not than {names}.",
        "显著优于其余 {others} 个系统中的 {count} 个；与 {names} 的差异无统计学意义。",
    ),
    "comma": (", ", "、"),
    "and_more": ("{names} and {others} more", "{names} 和另外 {others} 个系统"),
    "n_systems": ("{n} systems", "{n} 个系统"),
    "only_best": (
        "Of more than {most} systems, only the best was tested against the others.",
        "系统超过 {most} 个时，只检验最佳系统与其余系统的差异。",
    ),
    "explanations_only": (
        "The files hold explanations and no answers; ranked by ROUGE-L.",
        "文件只有解析而没有答案，按 ROUGE-L 排序。",
    ),
    "check_first": ("Check first", "请先核对"),
    # Ranking
    "ranking": ("Accuracy", "准确率"),
    "ranking_rouge": ("ROUGE-L", "ROUGE-L"),
    "ranking_axis": ("Accuracy in percent; line: 95% interval", "准确率（%）；横线为 95% 置信区间"),
    "ranking_axis_rouge": ("ROUGE-L in percent; line: 95% interval", "ROUGE-L（%）；横线为 95% 置信区间"),
    "better_than": ("better than {ranks}", "优于 {ranks}"),
    "better_help": (
        "“Better than 3–5”: the difference from the systems ranked 3 to 5 is significant "
        "(McNemar's exact test, Holm's correction, p < 0.05).",
        "“优于 3–5”指与第 3 至第 5 名的差异有统计学意义（McNemar 精确检验，Holm 校正，p < 0.05）。",
    ),
    "published": ("published", "论文公布"),
    "expected": ("expected", "期望值"),
    "random_letter": ("Random letter", "随机选一个字母"),
    "random_subset": ("Random subset", "随机选一个子集"),
    "published_same": (
        "Diamonds: Table 3 of the paper, on CMExam's test split of 6,811 questions.",
        "菱形：论文表 3 在 CMExam 测试集（6,811 题）上的结果。",
    ),
    "published_other": (
        "Published on CMExam's test split of 6,811 questions: another set of questions, not to be compared point by point",
        "论文表 3 在 CMExam 测试集（6,811 题）上的结果：题目不同，不能逐点比较",
    ),
    "more_systems": ("More systems: {n}", "其余 {n} 个系统"),
    # Differences
    "differences": ("Paired differences", "配对差异"),
    "differences_axis": (
        "Difference in accuracy, percentage points; line: 95% interval of the paired bootstrap",
        "准确率之差（百分点）；横线为配对自助法的 95% 置信区间",
    ),
    "differences_help": (
        "The best system against the others, and each system against the next, on the same questions. "
        "Filled: significant (McNemar's exact test, Holm's correction over {pairs} pairs, p < 0.05).",
        "最佳系统与其余各系统、以及名次相邻的系统，在相同题目上比较。"
        "实心：差异有统计学意义（McNemar 精确检验，对 {pairs} 对作 Holm 校正，p < 0.05）。",
    ),
    "significant": ("significant", "有统计学意义"),
    "not_significant": ("not significant", "无统计学意义"),
    "all_pairs": ("All {n} pairs", "全部 {n} 对"),
    "pair": ("pair", "系统对"),
    "difference": ("difference", "差"),
    "interval": ("95% interval", "95% 区间"),
    "p_holm": ("p (Holm)", "p（Holm 校正）"),
    # Figures
    "figures": ("All figures", "全部指标"),
    "figures_help": (
        "Percent, 95% intervals in brackets: Wilson's for shares, else the bootstrap's ({resamples} resamples, seed {seed}). "
        "BLEU and ROUGE as the profile {profile} defines them.",
        "单位为 %，方括号内为 95% 置信区间：比例用 Wilson 法，其余用自助法（{resamples} 次重抽样，种子 {seed}）。"
        "BLEU 与 ROUGE 按 {profile} 的定义计算。",
    ),
    "system": ("system", "系统"),
    "accuracy": ("accuracy", "准确率"),
    "weighted_f1": ("weighted F1", "加权 F1"),
    "accuracy_without_overlap": ("accuracy without overlap with training", "去除与训练集重合后的准确率"),
    "unread_rate": ("no answer", "未作答"),
    "accuracy_of_answered": ("accuracy on answered", "已作答题的准确率"),
    "weighted_f1_of_answered": ("weighted F1 on answered", "已作答题的加权 F1"),
    "missing_answers": ("missing answers", "未作答数"),
    "missing_explanations": ("missing explanations", "缺少解析数"),
    # Groups
    "groups": ("By group", "分组结果"),
    "groups_help": (
        "Each row: accuracy on one group of questions with its 95% interval; the tick is the system's accuracy on all "
        "questions, the last figure the difference from it. Largest negative difference first; bold where the interval "
        "excludes the overall accuracy.",
        "每行是一组题目的准确率及其 95% 置信区间；竖线为该系统在全部题目上的准确率，最后一列是与它之差。"
        "按差值从低到高排列；区间不含总体准确率的差值用粗体。",
    ),
    "groups_of_best": ("The {n} most accurate systems are drawn.", "图中为准确率最高的 {n} 个系统。"),
    "departures": ("Largest differences", "差异最大的组"),
    "group_summary": ("groups: {n}, {low} to {high}", "{n} 组，{low}–{high}"),
    "small_groups": ("Groups of fewer than {small} questions: {n}", "另有 {n} 组不足 {small} 题"),
    "groups_axis": ("accuracy in percent", "准确率（%）"),
    # Confusion
    "confusion": ("Letters confused", "选项混淆"),
    "confusion_help": (
        "Questions with one correct letter: correct letter in rows, given answer in columns. "
        "A number leads to its questions.",
        "仅限单选题：行为正确选项，列为所答选项。点按数字可查看对应题目。",
    ),
    "correct_letter": ("correct", "正确"),
    "several": ("several", "多选"),
    "none": ("none", "未答"),
    # Calibration
    "calibration": ("Reliability of probabilities", "概率的可靠性"),
    "stated": ("Predicted probability", "预测概率"),
    "observed": ("Accuracy", "准确率"),
    "bin": (
        "{n} answers: predicted {confidence}, correct {accuracy}",
        "{n} 个答案：预测 {confidence}，答对 {accuracy}",
    ),
    "losses": (
        "Log loss {log_loss}, Brier score {brier}, expected calibration error {error} "
        "over {n} questions with one correct option.",
        "对数损失 {log_loss}，Brier 分数 {brier}，期望校准误差 {error}（{n} 道单选题）。",
    ),
    "not_defined": ("not defined", "无定义"),
    "coverage": ("most certain questions", "最有把握的题目"),
    # Misses
    "misses": ("Missed questions", "答错的题目"),
    "search": ("Text", "文本"),
    "search_hint": ("in question, options, replies …", "题干、选项、回复……"),
    "every_system": ("all systems", "全部系统"),
    "group": ("group", "分组"),
    "every_group": ("all groups", "全部分组"),
    "any": ("any", "不限"),
    "gold": ("correct answer", "正确答案"),
    "given": ("given answer", "所答"),
    "clear": ("Clear filters", "清除筛选"),
    "more": ("Show more", "显示更多"),
    "found": (
        "{misses} misses on {questions} questions match, of {total}.",
        "符合条件的错误 {misses} 个，涉及 {questions} 题（共 {total} 个）。",
    ),
    "needs_script": ("The list of questions needs JavaScript.", "题目列表需要启用 JavaScript。"),
    "missed_by": ("missed by", "答错"),
    "answers": ("answers {answer}", "所答：{answer}"),
    "answers_nothing": ("no answer was found", "未能读出答案"),
    "no_row": ("no row in the file", "文件中没有这一题"),
    "right": ("correct", "正确"),
    "listed": (
        "The page lists the first {listed} of {total} misses; {systems}. The saved rows of all questions hold the rest.",
        "本页只列出 {total} 个错误中的前 {listed} 个（{systems}）。其余见另存的全部题目结果。",
    ),
    "listed_of": ("{name}: {listed} of {total}", "{name}：{total} 个中的 {listed} 个"),
    # Reading
    "reading": ("How the files were read", "文件的读取情况"),
    "columns": ("columns", "列"),
    "rows": ("rows", "行"),
    "joined": ("{matched} matched by {by}", "按 {by} 匹配 {matched} 行"),
    "missing_wrong": ("{n} questions without a row, counted as wrong", "{n} 题没有对应的行，按答错计"),
    "missing_skip": ("{n} questions without a row, left out", "{n} 题没有对应的行，未计入"),
    "duplicates": ("{n} duplicate rows; the first counts", "{n} 行重复，以第一行为准"),
    "extra": ("{n} rows that match no question", "{n} 行不对应任何题目"),
    "damaged": ("{n} damaged rows left out", "{n} 行损坏，已略去"),
    "by_order": ("{n} questions matched by order alone", "{n} 题只能按先后次序匹配"),
    "unmapped": ("{n} answers that fit no option", "{n} 个答案不对应任何选项"),
    "unread": ("no answer found in {n} replies ({share})", "{n} 个回复未能读出答案（{share}）"),
    "left_out": ("{n} rows of the exam file left out", "试题文件中有 {n} 行被略去"),
    "pairs_dropped": ("{n} pairs of explanations left out", "{n} 对解析未计入"),
    "rule": ("rule", "规则"),
    "count": ("answers", "答案数"),
    "signatures": ("Signatures", "指标签名"),
    "made_by": ("cmexam-baseline {version}", "cmexam-baseline {version}"),
}

# What the package calls groups and their values; annotations come from the exam's own columns.
_GROUPS_ZH = {
    "answer size": "正确选项数",
    "single": "单选",
    "multi": "多选",
    "negation": "题干否定",
    "negated": "否定",
    "plain": "肯定",
    "option count": "选项数",
    "question length": "题干字数",
    "overlap with training": "与训练集重合",
    "exact": "题目相同",
    "stem": "题干相同",
    "near": "题干相近",
    "none": "不重合",
    "Disease Group": "疾病分类",
    "Clinical Department": "临床科室",
    "Medical Discipline": "医学学科",
    "Area of Competency": "能力领域",
    "Difficulty level": "难度",
}


def words_in(language: str) -> SimpleNamespace:
    """Every text of the page in a language: "en" or "zh".

    >>> words_in("en").contents, words_in("zh").contents
    ('Contents', '目录')
    """
    place = LANGUAGES.index(language)
    return SimpleNamespace(**{name: texts[place] for name, texts in _WORDS.items()})


def group_name(name: str, language: str) -> str:
    """What a group, or one of its values, is called.

    >>> group_name("answer size", "zh"), group_name("内科", "zh")
    ('正确选项数', '内科')
    """
    return _GROUPS_ZH.get(name, name) if language == "zh" else name
