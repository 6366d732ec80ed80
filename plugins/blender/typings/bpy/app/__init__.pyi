from . import handlers as handlers
from . import timers as timers

version: tuple[int, int, int]
version_string: str
background: bool

def is_job_running(job_type: str) -> bool: ...
