"""Parses the answer at one place of a text: letters, lists of letters, option texts; tells it from a list of options."""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.exam.stem_wording import Stem
from cmexam_baseline.scoring.extraction.contradictions import SpokenOf
from cmexam_baseline.scoring.extraction.options import CAPITALS, LONE_I, PRONOUN, Mention, OptionTexts
from cmexam_baseline.scoring.extraction.patterns import (
    BEGINS_NEW_CLAUSE,
    CHINESE,
    ENGLISH_ARTICLE,
    LATEX,
    MEDICAL_WORD,
    NUMBER,
    RIGHT_BEHIND,
    TEXT_ENDS,
    TEXT_JOIN,
    WRONG_BEHIND,
    concludes,
    mask_of,
    says_of_option,
    sentence_start,
    skip,
)

_LONGEST_LIST = 16
_OPENING = r"[\s(\[{<\"'“‘「『【《>#|:=\\-]{0,12}"
_CLOSING = r"[)\]}\"'”’」』】》>]{0,12}"
_LETTER_ITEM = re.compile(
    rf"{_OPENING}(?:{LATEX})?"
    rf"(?:选项|选|第|[Oo]ptions?|[Cc]hoices?)?{_OPENING}"
    r"(?P<letters>[A-J]{1,8}|[a-j])(?![A-Za-z0-9]|-[A-Za-z0-9])"
    rf"{_CLOSING}(?:选项|项(?!目))?{_CLOSING}"
)
_RANGE = re.compile(
    r"(?:选项|项)?[ \t]?(?:至|到|~)[ \t]?(?:选项)?(?P<last>[A-J])(?![A-Za-z0-9])(?:选项|项(?!目))?"
)
_RANGE_BEGINS = "至到~选项 "
_LOWER_CASE_ENDS = re.compile(r"[ \t]*(?:$|[\n.。)\],;}\"'])")
_JOIN = re.compile(
    r"\s*(?:[、,;/&+|]|和|及|与|以及|and\b)\s*(?:和|and\b|(?:\(\d\)|[①-⑩])(?=[A-J]))?\s*"
    r"|[ \t]+(?=[A-J](?![A-Za-z]))|(?<=项)\d{1,2}[.、)](?=[A-J](?![A-Za-z]))"
    r"|(?<=\])(?=\[)|(?<=\))(?=\()|。(?=[A-J][ \t]?(?:[。\n]|$))"
)
_LIST_GOES_ON = re.compile(r"(?:[、/&]|和|及|与|以及)[A-J](?![A-Za-z0-9])")
_EITHER = re.compile(
    r"(?:选项|项)?吗|(?:选项|项)?(?:都|均|皆)有(?:可能|道理)(?=$|[。,;!\n])"
    r"|\s{0,9}[?,]?\s{0,3}(?:或者?|还是|抑或|也可能|也有可能|也许|or\b)\s{0,3}(?:选项|选|是|[Oo]ption)?\s{0,3}[\"'“(]?[A-J](?![A-Za-z0-9])"
)
_LOOSE = ("", ",", ";")  # joints that may also begin a new clause
_NEXT_LINE = re.compile(rf"[ \t。;,.]*\n\s*(?:{NUMBER}\s?)?")
_NEXT_LETTER_LINE = re.compile(
    rf"[ \t。;,.]*\n\s*(?:{NUMBER}[ \t]?)?"
    r"(?=[-•>(\[ \t]{0,4}(?:选项|[Oo]ption )?[A-J](?:选项|项)?[)\] \t。;,.]{0,4}(?:\n|$))"
)
_LISTED_NEXT = re.compile(
    rf"[ \t。;,.、]*\n\s*(?:{NUMBER}[ \t]?|[-•·#>]{{1,3}}[ \t]?)?|[。;,、][ \t]*(?:{NUMBER}[ \t]?)?|(?=[A-J][.:、)])"
)
_LISTED_LETTER = re.compile(
    r"[(\[]?(?:选项)?(?P<letter>[A-J])(?![A-Za-z0-9])[)\]]?(?:选项)?(?P<mark>[ \t]?[.:、)(])?[ \t]?"
    r"(?![A-J](?![A-Za-z0-9]))(?=[^\n])"
)
_LISTED_TEXT_ENDS = re.compile(
    rf"[。;,、][ \t]*(?:{NUMBER}[ \t]?)?[(\[]?(?:选项)?[A-J][)\]]?(?:选项)?[ \t]?(?:[.:、)(]|[{CHINESE}])|。$"
    rf"|(?<=[{CHINESE})])(?=[A-J][ \t]?[.:、)])"
)
_REMARK = re.compile(rf"[,:(—-][^;\n]{{1,120}};[ \t]?(?:{NUMBER}[ \t]?)?")
_REMARK_ENDS = re.compile(r"[^;。\n]{0,120}")
_NEXT_ITEM_LINE = re.compile(r"\n[ \t]*(?:[(\[-]?[A-J][.:、)]|\n)")
_LONGEST_LISTED = 300
_IN_BRACKETS = re.compile(r"[ \t]?\((?![A-J]\))[^()\n]{1,80}\)")
_LAST_NAMES = 50
_SUPPOSED_CASE = re.compile(r"\s*(?:if|when|unless|should|in case|如果|若|假如|倘若|当)", re.IGNORECASE)
_CALLED_NOT_IT = re.compile(
    r"[ \t]+(?:is|are|was|were)[ \t]*(?:not|n't)[ \t]+"
    r"(?!(?:the[ \t]+)?(?:most[ \t]+)?(?:correct|right|answer|best|appropriate|true|likely)\b)",
    re.IGNORECASE,
)
_TEXT_AND_LETTER = r"[^,。;:!?\n()]{2,40}\([A-J]\)"
_BRACKETED = re.compile(rf"{_TEXT_AND_LETTER}(?:(?:、|和|与|及|以及){_TEXT_AND_LETTER}){{1,9}}")
_LETTER_IN_BRACKETS = re.compile(r"\(([A-J])\)")
_LETTER_BEHIND = re.compile(r"[ \t]?\((?P<letter>[a-j])\)")
_LINE_ENDS = re.compile(r"[ \t。;,.]*(?:\n|\\n|[\"'”’」』》}<]|$)")
_DELIMITER = re.compile(r"[ \t]*[:.、)\"'”’」』】-]*[ \t]*[(\[\"'“‘「『:]*[ \t]*")
_TEXT_CLOSING = re.compile(r"[)\]\"'”’」』】]*(?:选项|这一?项|项)?")
_OPEN_QUOTES = re.compile(rf"[\s\"'“‘「『【《(\[:=>#-]*(?:{LATEX})?")

# Behind a list of letters: it only says among what to choose: A、B、C中…
_LIST_IS_SCOPE = re.compile(r"\s*(?:中|之中|里|之间|其中|这?[两三四五六]个?(?:选项|项)?(?:中|里|之)|等)")
_NAME_ENDS = re.compile(r"\s*(?:$|[\n。,;.!?)\]”\"』」、]|是|为)")


class ParsedAnswer(NamedTuple):
    """An answer read at text[start:end]; `named` if the letter comes with its option's text."""

    mask: int
    start: int
    end: int
    by_text: bool = False
    named: bool = False


class _Item(NamedTuple):
    mask: int
    start: int
    end: int
    named: bool = False
    loose: bool = False
    letter_end: int = 0


class AnswerParser:
    """Reads answers at given places of one text."""

    def __init__(self, text: str, options: OptionTexts, stem: Stem | None = None) -> None:
        self.options = options
        self.stem = stem or Stem()
        lowered = text.lower()
        self.lowered = lowered if len(lowered) == len(text) else text
        # An "I" that names no option is none: all of them unless option I exists.
        pronoun = PRONOUN if options.count > LETTERS.index("I") else LONE_I
        self.text = pronoun.sub("ı", text) if "I" in text else text
        self.letters = [match.start() for match in CAPITALS.finditer(self.text)]
        self._lists: dict[int, list[_Item]] = {}

    @cached_property
    def mentions(self) -> list[Mention]:
        """Every option text in the text, in order."""
        return self.options.mentions(self.lowered)

    @cached_property
    def concludes(self) -> bool:
        """Whether a word of the text concludes (综上, 因此, therefore)."""
        return concludes(self.lowered) is not None

    @cached_property
    def named(self) -> list[int]:
        """Where letters and option texts begin, in order."""
        return sorted([*self.letters, *(mention.start for mention in self.mentions)])

    @cached_property
    def last_named(self) -> int:
        """Where an option is named last, other than in a case that is only supposed; -1 for nowhere."""
        for place in reversed(self.named[-_LAST_NAMES:]):
            if not _SUPPOSED_CASE.match(self.lowered, sentence_start(self.text, place, "。\n;!?.")):
                return place
        return -1

    def read(self, position: int, stated: bool = False, cued: bool = False) -> ParsedAnswer | None:
        """The answer at `position` behind quotes and brackets, or None.

        cued: a phrase introduces it, so that what follows a letter is its reason
        stated: the phrase is 答案： or its like, so that even a list of all options is an answer
        """
        by_text = self.read_texts(position, stated)
        if by_text is not None and by_text.end - by_text.start > 1:
            return self._with_list_behind(by_text) if stated else by_text
        return self.read_letters(position, stated, cued) or by_text or self._read_bracketed(position)

    def _with_list_behind(self, first: ParsedAnswer) -> ParsedAnswer:
        """An option's text with a list of others by letter behind it: 答案：甲药\nB. 乙药\nC. 丙药"""
        listed, item = first, self._following(_Item(first.mask, first.start, first.end, named=True))
        while item is not None and not item.mask & listed.mask:
            listed = ParsedAnswer(listed.mask | item.mask, first.start, item.end, named=True)
            item = self._following(item)
        return listed if self.stem.several or (listed.mask ^ first.mask).bit_count() > 1 else first

    def _read_bracketed(self, position: int) -> ParsedAnswer | None:
        """Letters in brackets behind texts of any wording: 保护皮肤(E)、监测血糖(C)"""
        match = _BRACKETED.match(self.text, position)
        if match is None or WRONG_BEHIND.match(self.text, match.end()):
            return None
        mask = mask_of("".join(_LETTER_IN_BRACKETS.findall(match[0])))
        return ParsedAnswer(mask, position, match.end()) if mask < self.options.everything else None

    def read_letters(self, position: int, stated: bool = False, cued: bool = False) -> ParsedAnswer | None:
        """Letters and lists of letters, each with or without its option's text."""
        items = self._trusted(self._list_at(position), cued)
        if not items:
            return None
        mask = 0
        for item in items:
            mask |= item.mask
        named = any(item.named for item in items)
        if named and mask == self.options.everything and len(items) > 1 and not stated:
            return None
        return ParsedAnswer(mask, items[0].start, items[-1].end, named=named)

    def read_open_choice(self, position: int) -> ParsedAnswer | None:
        """A或B, "(A) or (B)": letters among which the text at `position` leaves the choice open."""
        items = self._list_at(position)
        either = _EITHER.match(self.text, items[-1].end) if items else None
        if either is None:
            return None
        other = self.item(either.end() - 1)
        return ParsedAnswer(0, items[0].start, max(either.end(), other.end if other else 0))

    def read_texts(self, position: int, stated: bool = False) -> ParsedAnswer | None:
        """Option texts, one or several joined by 、 or 和, each perhaps with its letter behind: 阿托品(C)."""
        first = follows = self.options.match_at(self.lowered, skip(_OPEN_QUOTES, self.lowered, position))
        mask = end = 0
        while follows is not None:
            behind = _LETTER_BEHIND.match(self.lowered, follows.end)
            own = behind is not None and behind["letter"] == LETTERS[follows.option].lower()
            mask, end = mask | 1 << follows.option, behind.end() if behind and own else follows.end
            follows = self._text_behind(end, stated)
        if first is None or (mask == self.options.everything and not stated):
            return None
        if WRONG_BEHIND.match(self.text, end):
            return None
        return ParsedAnswer(mask, first.start, end, by_text=True)

    def _text_behind(self, position: int, stated: bool) -> Mention | None:
        """The next text of a list; what may also be the beginning of a clause must be nothing but the text."""
        join = TEXT_JOIN.match(self.lowered, position)
        if join is None and not stated:
            return None
        follows = self.options.match_at(self.lowered, join.end() if join else position)
        if follows is None or (join and join["joint"] and not join["closed"] and join["joint"] not in _LOOSE):
            return follows
        ends = _LINE_ENDS if join and join["line"] else TEXT_ENDS
        goes_on = join is None and self.options.match_at(self.lowered, follows.end)
        return follows if goes_on or ends.match(self.lowered, follows.end) else None

    def _list_at(self, position: int) -> list[_Item]:
        """The letters from `position` on; kept, because several rules ask for the first line's."""
        if position not in self._lists:
            self._lists[position] = self._read_list(position)
        return self._lists[position]

    def _read_list(self, position: int) -> list[_Item]:
        items: list[_Item] = []
        item = self.item(position)
        if item is not None and not item.named and item.mask.bit_count() == 1:
            resembling = self._resembling(item.start)
            if resembling is not None and self._following(resembling) is not None:
                item = resembling
        while item is not None and len(items) < _LONGEST_LIST:
            items.append(item)
            item = self._following(item)
        # 1. A 2. B 3. C 4. D 5. A … answers other questions.
        repeats = len(items) > self.options.count and "\n" in self.text[items[0].start : items[-1].start]
        return [] if repeats else items

    def _trusted(self, items: list[_Item], cued: bool = False) -> list[_Item]:
        """The items that are answered: nothing if the list is dismissed, left open or only a scope.

        "A,B错误" dismisses B alone, because the comma may begin a new clause; "A、B错误" dismisses both.
        """
        first = items[0] if items else None
        if first is not None and len(items) == 1 and first.letter_end and (cued or first.named):
            # The answer is (C). Metformin is not an anticoagulant: what seems to dismiss C is its reason.
            reason = WRONG_BEHIND if cued and first.named else _CALLED_NOT_IT
            if reason.match(self.text, first.end):
                return [first._replace(end=first.letter_end, named=False)]
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

    def _resembling(self, position: int) -> _Item | None:
        """An item of a list whose text deviates a little from the option's."""
        match = _LISTED_LETTER.match(self.text, position)
        if match is None or mask_of(match["letter"]) >> len(self.options.texts):
            return None
        index = LETTERS.index(match["letter"])
        judged = any(each.match(self.text, match.end("letter")) for each in (WRONG_BEHIND, RIGHT_BEHIND))
        if judged and self.options.own_text_at(self.lowered, index, match.end()) is None:
            return None  # A错误,甲: a verdict with the option's text behind it
        loose = self.stem.several and match["mark"] is not None
        longest = min(len(self.text), match.end() + _LONGEST_LISTED)
        next_line = _NEXT_ITEM_LINE.search(self.text, match.end(), longest)
        line_end = at if (at := self.text.find("\n", match.end(), longest)) >= 0 else longest
        # The item's line, or the lines up to the next item where the option's text is longer than a line.
        wrapped = line_end - match.end() < len(self.options.texts[index]) - 2
        for stop in (next_line.start() if next_line else longest, line_end) if wrapped else (line_end,):
            boundary = _LISTED_TEXT_ENDS.search(self.text, match.end() + 1, stop)
            text = self.text[match.end() : boundary.start() if boundary else stop].rstrip()
            if text and self.options.is_listed(index, text, loose):
                return _Item(1 << index, match.start("letter"), match.end() + len(text), named=True)
        return None

    def item(self, position: int, first: bool = True, joined: bool = False) -> _Item | None:
        """The letter, or letters in one run, at `position`, perhaps with the option's text."""
        # A character beyond Latin begins no item but for these.
        narrow = self.text[position : position + 1] < "\u2e80" or self.text[position] in "选第「『【《"
        match = _LETTER_ITEM.match(self.text, position) if narrow else None
        if match is None:
            return None
        letters, end = match["letters"], match.end()
        start, after_letter = match.span("letters")
        mask = mask_of(letters.upper())
        if mask > self.options.everything:
            return None
        if letters.islower() and not _LOWER_CASE_ENDS.match(self.text, end):
            return None
        joint = self.text[after_letter : after_letter + 1]
        through = _RANGE.match(self.text, after_letter) if joint in _RANGE_BEGINS and joint else None
        if through is not None and len(letters) == 1 and through["last"] > letters:
            # C至E: every letter from the one to the other.
            mask = 2 * mask_of(through["last"]) - mask
            return _Item(mask, start, through.end()) if mask <= self.options.everything else None
        if len(letters) > 1:
            return _Item(mask, start, end, letter_end=after_letter)
        named = self._with_text(mask, start, after_letter, end)
        if named is not None:
            return named
        if after_letter == end and MEDICAL_WORD.match(self.text, end):
            return None
        called_option = self.lowered.endswith(("option ", "choice "), 0, start)
        if letters == "A" and not called_option and ENGLISH_ARTICLE.match(self.text, end):
            return None
        judged = WRONG_BEHIND.match(self.text, end) or (joined and RIGHT_BEHIND.match(self.text, end))
        if not (first or judged) and BEGINS_NEW_CLAUSE.match(self.text, end):
            return None
        return _Item(mask, start, end, letter_end=after_letter)

    def _with_text(self, mask: int, start: int, after_letter: int, end: int) -> _Item | None:
        """A letter with an option's text behind it.

        Where the two are at odds the text is meant, unless the rest of the answer speaks for the letter.
        """
        index = mask.bit_length() - 1
        for after in (after_letter, end):
            text_start = skip(_DELIMITER, self.lowered, after)
            text_end = self.options.own_text_at(self.lowered, index, text_start)
            other = self.options.match_at(self.lowered, text_start)
            if other is not None and (text_end is None or other.end > text_end):
                text_end = None
                if text_start > after_letter and _NAME_ENDS.match(self.text, other.end):
                    mask, text_end = (
                        mask if self._spoken_of.prefers(index, other, start) else 1 << other.option,
                        other.end,
                    )
            if text_end is not None:
                text_end = skip(_TEXT_CLOSING, self.text, text_end)
                return _Item(mask, start, text_end, named=True, letter_end=after_letter)
        return None

    @cached_property
    def _spoken_of(self) -> SpokenOf:
        return SpokenOf(self.text, self.lowered, self.mentions)

    def _following(self, item: _Item) -> _Item | None:
        """The next letter of a list: behind 、 or 和, or alone with its text on the next line."""
        join = _JOIN.match(self.text, item.end if item.named else skip(_IN_BRACKETS, self.text, item.end))
        if join is not None:
            loose = join[0].strip() in _LOOSE
            follows = self.item(join.end(), first=False, joined=not loose)
            follows = follows._replace(loose=loose) if follows is not None else None
            if follows is not None and (follows.named or not item.named):
                return follows
            return self._listed_behind(item) or follows
        if item.named and "A" <= self.text[item.end : item.end + 1] <= "J":
            follows = self.item(item.end, first=False)
            return follows if follows is not None and follows.named else self._listed_behind(item)
        if not item.named:
            line = _NEXT_LETTER_LINE.match(self.text, item.end)
            return self.item(line.end(), first=False) if line is not None else None
        line = _NEXT_LINE.match(self.text, item.end)
        follows = self.item(line.end(), first=False) if line is not None else None
        if follows is None or not follows.named or not _LINE_ENDS.match(self.text, follows.end):
            return self._listed_behind(item)
        return follows

    def _listed_behind(self, item: _Item) -> _Item | None:
        """The next item of a list of letters with their texts: B. 红霉素。C. 庆大霉素。"""
        if not item.named:
            return None
        separator = _LISTED_NEXT.match(self.text, skip(_IN_BRACKETS, self.text, item.end))
        if separator is None:
            # C. 密切观察生命体征变化: the option's text and a word more.
            longer = self._resembling(item.start)
            separator = _LISTED_NEXT.match(self.text, longer.end) if longer is not None else None
        follows = self._resembling(separator.end()) if separator is not None else None
        follows = follows or self._behind_remark(item)
        return follows if follows is not None and follows.mask != item.mask else None

    def _behind_remark(self, item: _Item) -> _Item | None:
        """C. 氟西汀，是SSRI；D. 帕罗西汀，也是SSRI: where several are asked for and neither is dismissed."""
        remark = _REMARK.match(self.text, item.end) if self.stem.several else None
        follows = self.item(remark.end()) if remark is not None else None
        if remark is None or follows is None or not follows.named:
            return None
        behind = _REMARK_ENDS.match(self.lowered, follows.end)
        for start, end in ((item.end, remark.end()), (follows.end, behind.end() if behind else follows.end)):
            if says_of_option(self.lowered, start, end, self.stem) is False:
                return None
        return follows
