"""User dictionaries, and whatever is done to the jieba that runs beside us, are honoured as jieba does it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jieba_reference import fresh_tokenizer, jieba_as_it_was
from texts_to_cut import EDGE_TEXTS, random_texts

from cmexam_baseline import metrics
from cmexam_baseline.metrics import Segmenter, segment
from cmexam_baseline.metrics.segmentation import table_cache
from cmexam_baseline.metrics.segmentation.dictionary import read_unknown_word_model

QUICK = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MODEL = cache(read_unknown_word_model)
SMALL_DICTIONARY = """\
心 40 n
心力 12 n
衰竭 30 v
力衰 2 x
患者 50 n
患 3 v
心力衰竭 5 n
医院 20
院 7
a1 4 eng
中国 9 ns
中国人 3
国人 6
人 15
"""
USER_LINES = [
    "心衰患者",
    "血压计 3",
    "冠状动脉 100 n",
    "衰竭 0",
    "台中 0 ns",
    "中国人 nz",
    "\ufeff心力",
    "Edu Trust认证 2000",
    "c++语言",
    "患者a1b2",
    "  两端空白 9  ",
    "",
    "韩玉赏鉴 3 nz",
    "一千零一夜的故事说明书 1",
    "\U00020000字 8",
    "的 99999999",
    "5 6",
    "2个 7 7",
]
TEXTS = [
    "心衰患者用血压计测冠状动脉，衰竭的心力衰竭。",
    "台中是中国人的Edu Trust认证，c++语言a1b2患者a1b2。",
    "两端空白韩玉赏鉴一千零一夜的故事说明书\U00020000字2个5",
    *EDGE_TEXTS,
]


@pytest.fixture(autouse=True)
def read_the_model_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_cache, "read_unknown_word_model", MODEL)


@pytest.fixture
def jieba() -> Iterator[ModuleType]:
    with jieba_as_it_was() as module:
        yield module


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.txt"
    path.write_text(SMALL_DICTIONARY, encoding="utf-8")
    return path


@pytest.fixture
def small_jieba(jieba: ModuleType, small: Path) -> ModuleType:
    """jieba with a small dictionary, so that much can be tried in little time."""
    jieba.set_dictionary(str(small))
    return jieba


def ways(segmenter: object, texts: list[str]) -> Iterator[list[list[str]]]:
    """What a segmenter makes of texts by plain Python and by arrays."""
    before = segment._FEW_CHARACTERS
    try:
        for segment._FEW_CHARACTERS in (1 << 40, 0):
            yield segmenter.cut(texts)
    finally:
        segment._FEW_CHARACTERS = before


def assert_follows(jieba: ModuleType, texts: list[str] = TEXTS) -> None:
    # Ours first: jieba loads a dictionary that was only named at its first cut.
    ours = list(ways(metrics, texts))
    reference = [jieba.lcut(text) for text in texts]
    assert ours == [reference, reference]
    assert list(ways(metrics, texts)) == [reference, reference]


@pytest.mark.usefixtures("jieba")
def test_user_dictionary_on_top_of_jiebas_own(tmp_path: Path) -> None:
    path = tmp_path / "user.txt"
    path.write_bytes("\r\n".join(USER_LINES).encode())
    tokenizer = fresh_tokenizer(user_dict=path)
    texts = TEXTS + random_texts(500, seed=6)
    reference = [tokenizer.lcut(text) for text in texts]
    for _ in ("built", "from the cache"):
        segmenter = Segmenter(user_dict=path)
        assert list(ways(segmenter, texts)) == [reference, reference]
    assert segmenter.dictionary_hash() != Segmenter().dictionary_hash()
    assert segmenter.cut(["冠状动脉"]) != [["冠状", "动脉"]]


# Lines made of the small dictionary's characters, so that they meet its words, and of all others.
_parts = st.text(st.sampled_from("心力衰竭患者医院中国人a1.+ "), min_size=1, max_size=6)
_frequency = st.sampled_from(["", "", " 0", " 1", " 5", " 100000"])
_line = st.builds(str.__add__, st.one_of(_parts, st.text(max_size=4)), _frequency)
_to_cut = st.lists(st.text(st.sampled_from("心力衰竭患者医院中国人ab1.+ 的"), max_size=15), max_size=5)


@QUICK
@given(lines=st.lists(_line, max_size=6), texts=_to_cut)
def test_any_user_dictionary(
    tmp_path: Path, small: Path, jieba: ModuleType, lines: list[str], texts: list[str]
) -> None:
    path = tmp_path / "user.txt"
    path.write_bytes("\n".join(lines).encode("utf-8", "replace"))
    jieba.finalseg.Force_Split_Words.clear()
    tokenizer = fresh_tokenizer(small, path)
    reference = [tokenizer.lcut(text) for text in texts]
    segmenter = Segmenter(path, dictionary=small)
    assert list(ways(segmenter, texts)) == [reference, reference]
    assert segmenter._table.total == tokenizer.total
    assert segmenter._table.n_words == len(tokenizer.FREQ)


@pytest.mark.usefixtures("jieba")
def test_a_character_without_frequency_counts_as_one(tmp_path: Path) -> None:
    """A user's word that the dictionary cuts as itself, for one occurrence is more than 7/10 of one."""
    main, path = tmp_path / "main.txt", tmp_path / "user.txt"
    main.write_text("患 7\n患龘 1\n者 2\n", "utf-8")
    path.write_text("患龘\n", "utf-8")
    tokenizer = fresh_tokenizer(main, path)
    added = table_cache.table_of_files(main, path)[0]
    assert tokenizer.FREQ["患龘"] == 2
    assert added.total == tokenizer.total


def test_jieba_with_words_of_the_users(jieba: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "user.txt"
    path.write_text("\n".join(USER_LINES), encoding="utf-8")
    jieba.load_userdict(str(path))
    assert_follows(jieba)
    # A segmenter of one's own goes on as it was.
    assert Segmenter().cut(["心衰患者"]) == [["心衰", "患者"]] != metrics.cut(["心衰患者"])


def test_a_deleted_word_that_the_model_of_unknown_words_would_join(jieba: ModuleType) -> None:
    text = "杭研大厦李小福"
    joined = [word for word in jieba.lcut(text) if not jieba.get_FREQ(word)]
    assert len(joined[0]) > 1
    assert_follows(jieba, [text, text * 300])
    jieba.del_word(joined[0])
    assert joined[0] not in jieba.lcut(text)
    assert_follows(jieba, [text, text * 300])


def test_one_dictionary_has_one_hash(small_jieba: ModuleType, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "user.txt"
    path.write_text("心衰患者\n衰竭 0\n", encoding="utf-8")
    assert metrics.dictionary_hash() == Segmenter(dictionary=small).dictionary_hash()
    small_jieba.load_userdict(str(path))
    assert metrics.dictionary_hash() == Segmenter(path, small).dictionary_hash()
    assert metrics.dictionary_hash() != Segmenter(dictionary=small).dictionary_hash()


@pytest.mark.parametrize("load_first", [True, False])
def test_another_main_dictionary(small_jieba: ModuleType, load_first: bool) -> None:
    if load_first:
        small_jieba.initialize()
    assert_follows(small_jieba)
    assert metrics.cut(["力衰竭的"]) != Segmenter().cut(["力衰竭的"])


def test_every_change_is_noticed(small_jieba: ModuleType) -> None:
    """Also those that leave size and total of the dictionary as they were."""
    small_jieba.initialize()
    text = ["心力衰竭患者心力衰竭"]
    seen = []
    for change in (
        lambda: small_jieba.del_word("心力衰竭"),
        lambda: small_jieba.add_word("心力衰竭", 5),
        lambda: small_jieba.del_word("心力衰竭"),
        lambda: small_jieba.add_word("心力衰竭", 900),
        lambda: small_jieba.suggest_freq(("心力", "衰竭"), True),
        lambda: small_jieba.suggest_freq("衰竭患者", True),
        lambda: small_jieba.add_word("者心"),
    ):
        change()
        assert_follows(small_jieba, text)
        seen.append(tuple(small_jieba.lcut(text[0])))
    assert seen[0] == seen[2] != seen[1]
    assert len(set(seen)) >= 3


_word = st.text(st.sampled_from("心力衰竭患者中国人"), min_size=1, max_size=4)
_change = st.one_of(
    st.tuples(st.just("add_word"), _word),
    st.tuples(st.just("add_word"), _word, st.sampled_from([0, 1, 7, 10_000])),
    st.tuples(st.just("del_word"), _word),
    st.tuples(st.just("suggest_freq"), _word, st.just(True)),
    st.tuples(st.just("suggest_freq"), st.tuples(_word, _word), st.just(True)),
)


@settings(QUICK, max_examples=12)
@given(changes=st.lists(_change, max_size=6))
def test_any_changes(tmp_path: Path, changes: list[tuple[object, ...]]) -> None:
    path = tmp_path / "small.txt"
    path.write_text(SMALL_DICTIONARY, encoding="utf-8")
    with jieba_as_it_was() as jieba:
        jieba.set_dictionary(str(path))
        jieba.initialize()
        for name, *arguments in changes:
            getattr(jieba, str(name))(*arguments)
            assert_follows(jieba, ["心力衰竭患者中国人", "人国中者患竭衰力心心力", "患患者者"])


def test_words_written_past_jiebas_functions(small_jieba: ModuleType) -> None:
    small_jieba.initialize()
    # Unreachable: jieba does not look further where a beginning is lacking.
    small_jieba.dt.FREQ["国人民医院"] = 7000
    small_jieba.dt.FREQ["者中"] = 7000
    assert_follows(small_jieba, ["患者中国人民医院"])


def test_jieba_as_it_is_costs_no_table_of_its_own(jieba: ModuleType) -> None:
    assert jieba.dt.initialized
    assert metrics.cut(["患者"]) == [["患者"]]
    assert segment._default.get()._table is segment._default._untouched._table


def test_equal_dictionaries_have_equal_hashes(tmp_path: Path, small: Path) -> None:
    shuffled = tmp_path / "shuffled.txt"
    shuffled.write_text("\n".join(sorted(SMALL_DICTIONARY.splitlines())[::-1]), encoding="utf-8")
    other = tmp_path / "other.txt"
    other.write_text(SMALL_DICTIONARY.replace("患者 50", "患者 51"), encoding="utf-8")
    hashes = [Segmenter(dictionary=path).dictionary_hash() for path in (small, shuffled, other)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_segmenter_goes_to_another_process(tmp_path: Path, small: Path) -> None:
    path = tmp_path / "user.txt"
    path.write_text("心衰患者\n衰竭 0\n", encoding="utf-8")
    segmenter = Segmenter(path, small)
    sent = pickle.loads(pickle.dumps(segmenter))
    assert list(ways(sent, TEXTS)) == list(ways(segmenter, TEXTS))
    assert sent.dictionary_hash() == segmenter.dictionary_hash()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xc4 3\n", "not `word frequency"),
        ("心 3\n心力\n".encode(), "line 2"),
        ("心 三\n".encode(), "line 1"),
        (b"\n", "line 1"),
        (b"", "add up to 0"),
        ("心 0\n".encode(), "add up to 0"),
        ("心 9\n力 -3\n".encode(), "the frequency of '力' is -3"),
        (f"心 {1 << 63}\n".encode(), "below 2"),
    ],
)
def test_a_main_dictionary_that_is_none(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "wrong.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        Segmenter(dictionary=path)


def test_a_user_dictionary_that_is_none(tmp_path: Path, small: Path) -> None:
    path = tmp_path / "gbk.txt"
    path.write_bytes("心衰 3\n患者\n".encode("gbk"))
    with pytest.raises(ValueError, match="gbk.txt, line 1: not UTF-8"):
        Segmenter(path, dictionary=small)
    with pytest.raises(FileNotFoundError):
        Segmenter(tmp_path / "nowhere.txt")
