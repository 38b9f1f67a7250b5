"""Parses the answer at one place of a text: letters, lists of letters, option texts; tells it from a list of options."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property

from cmexam_baseline.exam.letters import LETTERS, parse_letters
from cmexam_baseline.scoring.extraction.options import Mention, OptionTexts
from cmexam_baseline.scoring.extraction.patterns import MEDICAL_WORD, WRONG_BEHIND, any_of

_LONGEST_LIST = 16
_OPENING = r"[\s(\[{<\"'“‘「『【《>#|:=\\-]{0,12}"
_CLOSING = r"[)\]}\"'”’」』】》>]{0,12}"
_LETTER_ITEM = re.compile(
    rf"{_OPENING}(?:\\?(?:text|math|textbf|mathrm|mathbf|rm|bf)\s?\{{)?"
    rf"(?:选项|选|第|[Oo]ptions?|[Cc]hoices?)?{_OPENING}"
    r"(?P<letters>[A-H]{1,8}|[a-h])(?![A-Za-z0-9]|-[A-Za-z0-9])"
    rf"{_CLOSING}(?:选项|项(?!目))?{_CLOSING}"
)
# Letters that end their sentence: nothing behind them can say more about them.
_BARE_LETTERS = re.compile(r"[A-H]{1,8}(?=$|[。\n]|;(?![ \t]?[A-H](?![A-Za-z0-9])))")
_LAST_NARROW_CHARACTER = "\u2e7f"
_MAY_BEGIN_AN_ITEM = "选第「『【《"
_LOWER_CASE_ENDS = re.compile(r"[ \t]*(?:$|[\n.。)\],;}\"'])")
_JOIN = re.compile(
    r"\s*(?:[、,;/&+|]|和|及|与|以及|and\b)\s*(?:和|and\b)?\s*"
    r"|[ \t]+(?=[A-H](?![A-Za-z]))|(?<=\])(?=\[)|(?<=\))(?=\()"
)
_LIST_GOES_ON = re.compile(r"(?:[、/&]|和|及|与|以及)[A-H](?![A-Za-z0-9])")
_EITHER = re.compile(
    r"(?:选项|项)?吗|(?:选项|项)?(?:都|均|皆)有(?:可能|道理)(?=$|[。,;!\n])"
    r"|\s{0,9}[?,]?\s{0,3}(?:或者?|还是|抑或|也可能|也有可能|也许|or\b)\s{0,3}(?:选项|选|是|[Oo]ption)?\s{0,3}[\"'“(]?[A-H](?![A-Za-z0-9])"
)
# Joints that may also begin a new clause.
_LOOSE = ("", ",", ";")
_TEXT_ENDS = re.compile(r"\s*(?:$|[\n。;、,.!?)]|和|及|与|以及|and\b)")
_NEXT_LINE = re.compile(r"[ \t。;,.]*\n\s*(?:\d{1,2}[.、)]\s?)?")
_NEXT_LETTER_LINE = re.compile(r"[ \t。;,.]*\n\s*(?=[-•>(\[ \t]{0,4}[A-H][)\] \t。;,.]{0,4}(?:\n|$))")
_LETTER_BEHIND = re.compile(r"[ \t]?\((?P<letter>[a-h])\)")
_LINE_ENDS = re.compile(r"[ \t。;,.]*(?:\n|$)")
_DELIMITER = re.compile(r"[ \t]*[:.、)\"'”’」』】-]*[ \t]*[(\[\"'“‘「『:]*[ \t]*")
_TEXT_CLOSING = re.compile(r"[)\]\"'”’」』】]*(?:选项|这一?项|项)?")
_OPEN_QUOTES = re.compile(r"[\s\"'“‘「『【《(\[:=>#-]*")

# What may stand behind a list of letters so that it only says among what to choose: A、B、C中…
_LIST_IS_SCOPE = re.compile(r"\s*(?:中|之中|里|之间|其中|这?[两三四五六]个?(?:选项|项)?(?:中|里|之)|等)")
_AND_SO_ON = re.compile(r"\s*等(?!张|渗|长|量)")
_NAME_ENDS = re.compile(r"\s*(?:$|[\n。,;.!?)\]”\"』」、]|是|为)")
_BEHIND_ITS_LETTER = re.compile(r"[a-h]\s*[.:、)]\s*$")
# "A 45-year-old", "A patient": the article, not the option.
_ENGLISH_ARTICLE = re.compile(
    r"[ \t]+(?!(?:because|is|since|as|and|or|for|due|in|with|would|which)\b)(?:[a-z]|\d)"
)
_BEGINS_NEW_CLAUSE = re.compile(
    r"\s*(?:选项|项)?\s*"
    + any_of("是 为 不 主要 可 则 的 属于 常 多 虽 会 有 也 与 仅 只 指 通常 一般 描述 更 正确 符合 对 错")
)
_RIGHT_BEHIND = re.compile(r"\s*(?:选项|项)?\s*(?:均|都|皆)?(?:是)?(?:正确|对[。,;\n]|符合)")

# A letter behind a noun belongs to it (维生素C, 青霉素G); behind these characters it stands for itself.
_BEFORE_A_LETTER = frozenset(
    "见知明故则而有以此是即且但和与及或为选项案只仅认示述中择除得对错应答第因其了括含实"
)
_CAPITAL_LETTERS = tuple(LETTERS)
_CAPITALS = re.compile(r"[A-H]{1,8}(?![A-Za-z0-9])")


def _may_stand_before_a_letter(char: str) -> bool:
    if char.isascii():
        return not char.isalnum() and char not in ("+", "'", "-")
    return not char.isalpha() or char in _BEFORE_A_LETTER


@dataclass(frozen=True)
class Slot:
    """An answer read at text[start:end]; `named` where a letter stands with its option's text."""

    mask: int
    start: int
    end: int
    by_text: bool = False
    named: bool = False


@dataclass(frozen=True)
class _Item:
    mask: int
    start: int
    end: int
    named: bool = False
    loose: bool = False


class SlotReader:
    """Reads answers at given places of one text.

    >>> text = "答案是A、C选项,B错误"
    >>> slot = SlotReader(text, OptionTexts(["甲", "乙", "丙", "丁"])).read(3)
    >>> slot.mask, text[slot.start : slot.end]
    (5, 'A、C选项')
    """

    def __init__(self, text: str, options: OptionTexts) -> None:
        self.text = text
        self.options = options
        lowered = text.lower()
        self.lowered = lowered if len(lowered) == len(text) else text

    @cached_property
    def letters(self) -> list[int]:
        """Where capital letters A–J stand for themselves: not in a Latin word, not behind a noun"
        " (维生素C)."""
        return [
            match.start()
            for match in _CAPITALS.finditer(self.text)
            if _may_stand_before_a_letter(self.text[match.start() - 1 : match.start()])
        ]

    @cached_property
    def mentions(self) -> list[Mention]:
        """Every option text in the text, in order."""
        return self.options.mentions(self.lowered)

    def read(self, position: int) -> Slot | None:
        """The answer that stands at `position` behind quotes and brackets, or None."""
        bare = _BARE_LETTERS.match(self.text, position)
        if bare is not None and not _NEXT_LETTER_LINE.match(self.text, bare.end()):
            mask = parse_letters(bare[0]) or 0
            return Slot(mask, position, bare.end()) if mask <= self.options.everything else None
        by_text = self.read_texts(position)
        if by_text is not None and by_text.end - by_text.start > 1:
            return by_text
        return self.read_letters(position) or by_text

    def read_letters(self, position: int) -> Slot | None:
        """Letters and lists of letters, each with or without its option's text."""
        items = self._trusted(self._list_at(position))
        if not items:
            return None
        mask = 0
        for item in items:
            mask |= item.mask
        named = any(item.named for item in items)
        if named and mask == self.options.everything and len(items) > 1:
            return None
        return Slot(mask, items[0].start, items[-1].end, named=named)

    def read_texts(self, position: int) -> Slot | None:
        """Option texts, one or several joined by 、 or 和."""
        opening = _OPEN_QUOTES.match(self.lowered, position)
        first = self.options.match_at(self.lowered, opening.end() if opening else position)
        if first is None:
            return None
        mask, last = 1 << first.index, self._to_its_letter(first)
        while (following := self._text_behind(last)) is not None:
            mask, last = mask | 1 << following.index, self._to_its_letter(following)
        if WRONG_BEHIND.match(self.text, last.end) or _AND_SO_ON.match(self.text, last.end):
            return None
        return Slot(mask, first.start, last.end, by_text=True) if mask != self.options.everything else None

    def _to_its_letter(self, mention: Mention) -> Mention:
        """The mention with its letter in brackets behind it: 阿托品(C)."""
        behind = _LETTER_BEHIND.match(self.lowered, mention.end)
        if behind is None or behind["letter"] != LETTERS[mention.index].lower():
            return mention
        return replace(mention, end=behind.end())

    def _text_behind(self, mention: Mention) -> Mention | None:
        join = _JOIN.match(self.lowered, mention.end)
        follows = self.options.match_at(self.lowered, join.end()) if join else None
        if join is None or follows is None or join[0].strip() not in _LOOSE:
            return follows
        return follows if _TEXT_ENDS.match(self.lowered, follows.end) else None

    def _list_at(self, position: int) -> list[_Item]:
        items: list[_Item] = []
        item = self._item(position)
        while item is not None and len(items) < _LONGEST_LIST:
            items.append(item)
            item = self._following(item)
        return items

    def _trusted(self, items: list[_Item]) -> list[_Item]:
        """The items that are answered: nothing if the list is dismissed, left open or only a scope.

        "A,B错误" dismisses B alone, because the comma may begin a new clause; "A、B错误" dismisses both.
        """
        while items:
            end = items[-1].end
            if _EITHER.match(self.text, end) or _LIST_GOES_ON.match(self.text, end):
                return []
            if not (WRONG_BEHIND.match(self.text, end) or _LIST_IS_SCOPE.match(self.text, end)):
                break
            if not items[-1].loose:
                return []
            items = items[:-1]
        return items

    def _item(self, position: int, first: bool = True, joined: bool = False) -> _Item | None:
        if self.text[position : position + 1] > _LAST_NARROW_CHARACTER and (
            self.text[position] not in _MAY_BEGIN_AN_ITEM
        ):
            return None
        match = _LETTER_ITEM.match(self.text, position)
        if match is None:
            return None
        letters, start, end = match["letters"], match.start("letters"), match.end()
        mask = 0
        for letter in letters.upper():
            mask |= 1 << LETTERS.index(letter)
        if mask > self.options.everything:
            return None
        if letters.islower() and not _LOWER_CASE_ENDS.match(self.text, end):
            return None
        if len(letters) > 1:
            return _Item(mask, start, end)
        after_letter = match.end("letters")
        named = self._with_text(mask, start, after_letter, end)
        if named is not None:
            return named
        if after_letter == end and MEDICAL_WORD.match(self.text, end):
            return None
        if letters == "A" and _ENGLISH_ARTICLE.match(self.text, end):
            return None
        judged = WRONG_BEHIND.match(self.text, end) or (joined and _RIGHT_BEHIND.match(self.text, end))
        if not (first or judged) and _BEGINS_NEW_CLAUSE.match(self.text, end):
            return None
        return _Item(mask, start, end)

    def _with_text(self, mask: int, start: int, after_letter: int, end: int) -> _Item | None:
        """A letter with an option's text behind it.

        Where the two are at odds the text is meant, unless the rest of the answer speaks for the letter.
        """
        index = mask.bit_length() - 1
        for after in (after_letter, end):
            delimiter = _DELIMITER.match(self.lowered, after)
            text_start = delimiter.end() if delimiter else after
            text_end = self.options.own_text_at(self.lowered, index, text_start)
            other = self.options.match_at(self.lowered, text_start)
            if text_end is not None and (other is None or other.end <= text_end):
                return _Item(mask, start, self._closed(text_end), named=True)
            if other is not None and text_start > after_letter and _NAME_ENDS.match(self.text, other.end):
                meant = mask if self._prefers(index, other) else 1 << other.index
                return _Item(meant, start, self._closed(other.end), named=True)
        return None

    def _closed(self, position: int) -> int:
        closing = _TEXT_CLOSING.match(self.text, position)
        return closing.end() if closing else position

    def _prefers(self, index: int, other: Mention) -> bool:
        """Whether the rest of the text speaks of option `index` more often than of the one at `other`.

        A mention behind its own letter ("D: 以上都不是") is an item of a list and speaks for nothing.
        """
        rest = [
            mention.index
            for mention in self.mentions
            if mention.start != other.start
            and not _BEHIND_ITS_LETTER.search(self.lowered, max(0, mention.start - 4), mention.start)
        ]
        return rest.count(index) > rest.count(other.index)

    def _following(self, item: _Item) -> _Item | None:
        """The next letter of a list: behind 、 or 和, or alone with its text on the next line."""
        join = _JOIN.match(self.text, item.end)
        if join is not None:
            loose = join[0].strip() in _LOOSE
            follows = self._item(join.end(), first=False, joined=not loose)
            return replace(follows, loose=loose) if follows else None
        if item.named and self.text[item.end : item.end + 1] in _CAPITAL_LETTERS:
            follows = self._item(item.end, first=False)
            return follows if follows is not None and follows.named else None
        if not item.named:
            line = _NEXT_LETTER_LINE.match(self.text, item.end)
            return self._item(line.end(), first=False) if line is not None else None
        line = _NEXT_LINE.match(self.text, item.end)
        follows = self._item(line.end(), first=False) if line is not None else None
        if follows is None or not follows.named or not _LINE_ENDS.match(self.text, follows.end):
            return None
        return follows


_FAR = 2_000
_INLINE_ITEM = re.compile(r"[。;,、. \t]*([A-H])\s*[.:、)](?!\d)")
_ITEM_SOMEWHERE = re.compile(r"(?<![A-Za-z0-9])([A-H])\s*[.:、)](?!\d)")
_ITEM_LINE = r"[ \t>#-]*(?:选项)?\(?([A-H])\s*(?:[.:、)]|选项|项)"
_ITEM_ON_A_LINE = re.compile(_ITEM_LINE)
_LIST_NEXT_LINE = re.compile(r"\n" + _ITEM_LINE)
_NEXT_ITEM = re.compile(r"[\n。;,]" + _ITEM_LINE)
_BESIDE_AN_ITEM = " \t>#-(选项"
_AFFIRMED = re.compile(r"\s*(?:选项|项)?\s*,?(?:都|均|皆|全)")


def begins_list(reader: SlotReader, slot: Slot) -> bool:
    """Whether the slot is the first item of a list that goes on at once: an analysis or an echo, no"
    " answer."""
    if slot.by_text or slot.mask.bit_count() != 1:
        return False
    return _goes_on_inline(reader.text, slot) or _goes_on_below(reader.text, slot)


def _goes_on_inline(text: str, slot: Slot) -> bool:
    """是A：甲。B：乙。C：丙"""
    expected = LETTERS[slot.mask.bit_length() : slot.mask.bit_length() + 2]
    inline = _INLINE_ITEM.match(text, slot.end)
    if inline is None or inline[1] != expected[:1]:
        return False
    after = _ITEM_SOMEWHERE.search(text, inline.end(), inline.end() + 200)
    return len(expected) == 1 or (after is not None and after[1] == expected[1])


def _goes_on_below(text: str, slot: Slot) -> bool:
    """A line that begins with A while the next such line begins with B."""
    if slot.mask != 1 or text[text.rfind("\n", 0, slot.start) + 1 : slot.start].strip(_BESIDE_AN_ITEM):
        return False
    following = _LIST_NEXT_LINE.search(text, slot.end, slot.end + _FAR)
    return following is not None and following[1] == "B"


def analyses_each(text: str, first: Slot) -> bool:
    """Whether "A：正确。B：错误。" follows: the text goes through the options and has not answered yet."""
    item = _NEXT_ITEM.search(text, first.end, first.end + _FAR) if first.mask == 1 else None
    return item is not None and item[1] == "B"


def continues_list(text: str, line_start: int, last: Slot) -> bool:
    """Whether a line goes on with a list of options: the next letter, or right below another item."""
    above = text[:line_start].rstrip()
    item = _ITEM_ON_A_LINE.match(above, above.rfind("\n") + 1)
    if item is None:
        return False
    adjacent = text.count("\n", len(above), line_start) == 1
    return adjacent or (last.named and 2 << LETTERS.index(item[1]) == last.mask)


def is_scope(reader: SlotReader, slot: Slot, cue: str) -> bool:
    """Whether the slot names what may be chosen (正确选项(A/B/C/D/E)) or affirms it all (A、B、C、D都是)."""
    if slot.mask != reader.options.everything:
        return False
    affirmed = _AFFIRMED.match(reader.text, slot.end) is not None
    return affirmed or "(" in cue or "/" in reader.text[slot.start : slot.end]
