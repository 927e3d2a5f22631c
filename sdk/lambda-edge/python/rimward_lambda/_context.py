"""The `context` of a call, as Lambda has it."""

import os

from wit_world.imports import clock


class Context:
    client_context = None
    identity = None

    def __init__(self, event):
        self._begun = clock.now_ms()
        self._limit = int(os.environ.get("RIMWARD_TIMEOUT_MS", "5000"))
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "handler")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "1")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        region = os.environ.get("AWS_REGION", "us-east-1")
        self.invoked_function_arn = (
            f"arn:aws:lambda:{region}:000000000000:function:{self.function_name}:{self.function_version}"
        )
        self.aws_request_id = event["Records"][0]["cf"]["config"].get("requestId", "")
        self.log_group_name = f"/aws/lambda/{region}.{self.function_name}"
        self.log_stream_name = f"[{self.function_version}]"

    def get_remaining_time_in_millis(self):
        return max(0, self._limit - (clock.now_ms() - self._begun))

    def log(self, text):
        print(text)
