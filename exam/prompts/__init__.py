"""Prompts for language models, the server that answers them, and the file of replies."""

from cmexam_baseline.exam.prompts.batch_client import ChatServer as ChatServer
from cmexam_baseline.exam.prompts.batch_client import Outcome as Outcome
from cmexam_baseline.exam.prompts.batch_client import ReplyFile as ReplyFile
from cmexam_baseline.exam.prompts.batch_client import RequestPolicy as RequestPolicy
from cmexam_baseline.exam.prompts.batch_client import ask_all as ask_all
from cmexam_baseline.exam.prompts.prompts import FORMS as FORMS
from cmexam_baseline.exam.prompts.prompts import STYLES as STYLES
from cmexam_baseline.exam.prompts.prompts import Prompt as Prompt
from cmexam_baseline.exam.prompts.prompts import Request as Request
from cmexam_baseline.exam.prompts.prompts import estimate_tokens as estimate_tokens
from cmexam_baseline.exam.prompts.prompts import make_prompts as make_prompts
from cmexam_baseline.exam.prompts.prompts import pick_examples as pick_examples
from cmexam_baseline.exam.prompts.prompts import read_prompts as read_prompts
from cmexam_baseline.exam.prompts.prompts import write_prompts as write_prompts
