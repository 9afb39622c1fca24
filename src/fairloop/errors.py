"""Every error Fairloop raises on purpose.

FairloopError
 +-- InvalidInput          the caller's value cannot be used; names the value and the fix
 |    +-- NotANumber       NaN or an infinity where a number must be
 +-- NotFound              no such object, or one the caller may not see
 +-- Conflict              the object is not in the state the request assumes
 |    +-- AlreadyExists
 |    +-- StaleLease       a late result with an old fencing token
 |    +-- PreconditionFailed
 |    +-- UnderWay         the same request, sent before, has not ended
 +-- Unauthenticated       who are you
 +-- PermissionDenied      you may not
 +-- Refused               policy or safety says no (an untrusted model file, a self-approval)
 +-- TooLarge              a body, batch or file above its limit
 +-- TooManyRequests
 +-- Unavailable           a part this needs is not there now
 |    +-- StorageFull      no space to make the promise good
 |    +-- Unreachable      no server answers
 +-- MissingExtra          an optional library is not installed; names the install command
 +-- StepFailed            user code raised inside a step
 +-- IntegrityError        bytes do not match their hash

None of them knows HTTP: server/errors.py maps classes to statuses, cli/main.py to exit codes.
"""

from __future__ import annotations


class FairloopError(Exception):
    """Base class. ``code`` is stable and part of the public contract; the message names value and fix."""

    code = "error"

    def __init__(self, message: str, **detail: object) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class InvalidInput(FairloopError):
    code = "invalid_input"


class NotANumber(InvalidInput):
    code = "not_a_number"


class NotFound(FairloopError):
    code = "not_found"


class Conflict(FairloopError):
    code = "conflict"


class AlreadyExists(Conflict):
    code = "already_exists"


class StaleLease(Conflict):
    code = "stale_lease"


class PreconditionFailed(Conflict):
    code = "precondition_failed"


class UnderWay(Conflict):
    code = "under_way"


class Unauthenticated(FairloopError):
    code = "unauthenticated"


class PermissionDenied(FairloopError):
    code = "permission_denied"


class Refused(FairloopError):
    code = "refused"


class TooLarge(FairloopError):
    code = "too_large"


class TooManyRequests(FairloopError):
    code = "too_many_requests"


class Unavailable(FairloopError):
    code = "unavailable"


class StorageFull(Unavailable):
    code = "storage_full"


class Unreachable(Unavailable):
    code = "unreachable"


class MissingExtra(FairloopError):
    code = "missing_extra"


class StepFailed(FairloopError):
    code = "step_failed"


class IntegrityError(FairloopError):
    code = "integrity_error"
