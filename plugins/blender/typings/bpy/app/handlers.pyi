from collections.abc import Callable
from typing import Any, TypeVar

Handler = TypeVar("Handler", bound=Callable[..., Any])

def persistent(handler: Handler) -> Handler: ...

load_post: list[Callable[..., Any]]
save_pre: list[Callable[..., Any]]
save_post: list[Callable[..., Any]]
save_post_fail: list[Callable[..., Any]]
undo_post: list[Callable[..., Any]]
redo_post: list[Callable[..., Any]]
render_init: list[Callable[..., Any]]
render_complete: list[Callable[..., Any]]
render_cancel: list[Callable[..., Any]]
