"""What a call can fail with: the server's refusals, a lost connection, a method not modelled."""

from __future__ import annotations

from typing import Any

REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


class ApiError(Exception):
    """A refusal as the server words it: `code`, the full `description`, response `parameters`.

    https://core.telegram.org/bots/api#making-requests, https://core.telegram.org/bots/api#responseparameters
    """

    def __init__(
        self, code: int, description: str, parameters: dict[str, int] | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def __repr__(self) -> str:
        return f"ApiError({self.code}, {self.description!r})"

    def as_json(self) -> dict[str, Any]:
        """Return the response body that carries this error."""
        body = {"ok": False, "error_code": self.code, "description": self.description}
        return {**body, "parameters": self.parameters} if self.parameters else body


class NotModelled(ApiError):
    """The fake does not know this method; a 404, so that no client takes it for a success."""


class NetworkFailure(Exception):
    """The connection broke: there is no answer at all."""


def bad_request(text: str) -> ApiError:
    """Return a 400 with the server's prefix, after which a sentence begins with a small letter."""
    if not (text[1:2] == "_" or "A" <= text[1:2] <= "Z"):
        text = text[:1].lower() + text[1:]
    return ApiError(400, f"Bad Request: {text}")


def cannot_parse(what: str, problem: str) -> ApiError:
    """Return the 400 for an object of a request that is not what the Bot API describes."""
    return bad_request(f"can't parse {what}: {problem}")


def forbidden(text: str) -> ApiError:
    """Return a 403 with the server's prefix."""
    return ApiError(403, f"Forbidden: {text}")


def conflict(text: str) -> ApiError:
    """Return a 409 with the server's prefix."""
    return ApiError(409, f"Conflict: {text}")


def too_many_requests(retry_after: int) -> ApiError:
    """Return a 429 with the `retry_after` parameter, in seconds."""
    text = f"Too Many Requests: retry after {retry_after}"
    return ApiError(429, text, {"retry_after": retry_after})
