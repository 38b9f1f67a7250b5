"""Answers out of free text: letters, the rule that read them, and where."""

from cmexam_baseline.scoring.extraction.extract import NO_ANSWER as NO_ANSWER
from cmexam_baseline.scoring.extraction.extract import RULES as RULES
from cmexam_baseline.scoring.extraction.extract import Extraction as Extraction
from cmexam_baseline.scoring.extraction.extract import Overruled as Overruled
from cmexam_baseline.scoring.extraction.extract import Rule as Rule
from cmexam_baseline.scoring.extraction.extract import extract as extract
from cmexam_baseline.scoring.extraction.extract import extract_all as extract_all
from cmexam_baseline.scoring.extraction.extract import extract_answers as extract_answers
