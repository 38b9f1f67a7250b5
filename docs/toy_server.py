"""A server that speaks the OpenAI chat form and knows no medicine: it answers with the longest option.

For trying out `cmexam-baseline prompts run` without a model:

    python docs/toy_server.py 8000
"""

from __future__ import annotations

import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OPTION = re.compile(r"^([A-H])\. (.*)$", re.MULTILINE)


def reply_to(question: str) -> str:
    """The answer in the form that the prompts ask for."""
    letter, text = max(OPTION.findall(question), key=lambda option: len(option[1]))
    return f"答案：{letter}\n解析：{text}是最长的选项。"


class Toy(BaseHTTPRequestHandler):
    """Answers POST /v1/chat/completions."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        message = {"role": "assistant", "content": reply_to(body["messages"][-1]["content"])}
        answer = {"model": "toy", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        content = json.dumps(answer, ensure_ascii=False).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Toy)
    print(f"http://localhost:{server.server_address[1]}/v1", flush=True)
    server.serve_forever()
