"""Parts that several panels show: what is under way, what went wrong, prompts, candidates."""

import textwrap
from collections.abc import Sequence
from typing import Any

from .. import workplace
from ..client import RETRY, START
from . import thumbnails

# Of the interface's font, on average; labels that are too long end in dots.
_LETTER_PIXELS = 7.4
_BORDER_LETTERS = 6
_ICON_LETTERS = 4
_SEVERITIES = {"error": "CANCEL", "warning": "ERROR", "hint": "INFO"}


def text(layout: Any, context: Any, words: str, icon: str = "NONE", beside: int = 0) -> None:
    """A text over as many lines as the sidebar's width needs, with room for so many letters
    `beside` it. Labels of Blender's do not wrap."""
    scale = context.preferences.system.ui_scale
    taken = _BORDER_LETTERS + beside + (_ICON_LETTERS if icon != "NONE" else 0)
    width = max(int(context.region.width / (_LETTER_PIXELS * scale)) - taken, 16)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for line in textwrap.wrap(words, width):
        column.label(text=line, icon=icon)
        icon = "BLANK1" if icon != "NONE" else icon


def state(layout: Any, context: Any) -> None:
    """What is under way, each with its own way to cancel it, and what went wrong."""
    studio = workplace.studio()
    for job in studio.jobs:
        row = layout.row(align=True)
        if hasattr(row, "progress"):
            row.progress(factor=job.progress.fraction, text=job.progress.words)
        else:
            row.label(text=f"{job.progress.fraction:.0%} · {job.progress.words}", icon="SORTTIME")
        row.operator("framewright.cancel", text="", icon="X").key = job.key
    notice = studio.notice
    if notice is None:
        return
    box = layout.box()
    row = box.row()
    icon = "ERROR" if notice.hint or notice.fix else "INFO"
    text(row, context, notice.message, icon, beside=_ICON_LETTERS + 2)
    row.operator("framewright.dismiss", text="", icon="X", emboss=False)
    if notice.hint:
        text(box, context, notice.hint, beside=2)
    if notice.fix is not None:
        row = box.row(align=True)
        row.operator("framewright.fix", text=notice.label).what = notice.fix
        if studio.can_retry and notice.fix not in (RETRY, START):
            row.operator("framewright.fix", text="Try again").what = RETRY


def prompt(layout: Any, context: Any, scene: Any) -> None:
    """The prompt with what of it will not be drawn as meant."""
    settings = scene.framewright
    layout.prop(settings, "prompt", text="", icon="GREASEPENCIL")
    about, marks = workplace.studio().marks
    if about == settings.prompt:
        for number, mark in enumerate(marks[:3]):
            icon = _SEVERITIES.get(mark.severity, "INFO")
            text(layout, context, mark.reason[:1].upper() + mark.reason[1:], icon)
            if mark.replacement is not None:
                words = (
                    f"Fix: {mark.replacement.strip(' ,')}" if mark.replacement.strip() else "Fix"
                )
                layout.operator("framewright.fix_prompt", text=words).number = number


def settings(
    layout: Any, scene: Any, *, strength: bool = False, fill: bool = False, hires: bool = False
) -> None:
    """What is chosen beside the prompt, as far as it says something for what a panel makes."""
    held = scene.framewright
    layout.prop(held, "negative_prompt")
    layout.prop(held, "model")
    if strength:
        layout.prop(held, "strength", slider=True)
    if fill:
        layout.prop(held, "fill")
    row = layout.row(align=True)
    row.prop(held, "candidates")
    row.prop(held, "seed")
    if hires:
        layout.prop(held, "hires")


def candidates(
    layout: Any,
    context: Any,
    operator: str,
    entries: "Sequence[tuple[str, str, bool]]",
    **fixed: Any,
) -> None:
    """Pictures side by side to pick from: of each its file, its name, and whether it is picked.
    `operator` gets the picture's place as `number`, and what is `fixed`."""
    columns = max(int(context.region.width / (95 * context.preferences.system.ui_scale)), 1)
    grid = layout.grid_flow(row_major=True, columns=min(columns, 4), even_columns=True, align=True)
    for number, (path, name, picked) in enumerate(entries):
        cell = grid.column(align=True)
        icon = thumbnails.icon(path)
        if icon:
            cell.template_icon(icon_value=icon, scale=4.5)
        else:
            cell.label(text="Its file is gone", icon="LIBRARY_DATA_BROKEN")
        chosen = {"icon": "CHECKMARK"} if picked else {}
        button = cell.operator(operator, text=name, depress=picked, **chosen)
        button.number = number
        for key, value in fixed.items():
            setattr(button, key, value)
