"""What a scene keeps of the artist's choices, and what the preferences hold."""

from collections.abc import Callable
from typing import Any, TypeVar

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from .. import workplace
from ..client import FILLS, Settings, suggestions

# Blender 4.5 wants to be told which paths may begin with `//`; older ones do not know the word.
_BESIDE_THE_FILE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5) else set[str]()

Class = TypeVar("Class", bound=type)
PACKAGE = __name__.rsplit(".", 2)[0]
"""The add-on's own name, which depends on how it was installed."""


def with_properties(**properties: Any) -> Callable[[Class], Class]:
    """Gives a class of Blender's these properties. Blender reads annotations; type checkers take
    them for types, which they are not."""

    def give(kind: Class) -> Class:
        kind.__annotations__ = {**kind.__dict__.get("__annotations__", {}), **properties}
        return kind

    return give


def _suggest(_: Any, _context: Any, typed: str) -> "list[str]":
    """How a prompt may go on: shots at its beginning, characters anywhere."""
    found = suggestions(typed, len(typed), workplace.studio().library.catalogue)
    return [typed[: each.start] + each.replacement + typed[each.end :] for each in found[:12]]


def _models(_: Any, _context: Any, _typed: str) -> "list[str]":
    return [model.name for model in workplace.studio().library.models]


def _lint(settings: Any, _context: Any) -> None:
    workplace.studio().lint(settings.prompt)


_FILL_WORDS = {
    "blur": "What is around it, blurred",
    "border": "What is at its border, continued",
    "neutral": "Grey",
    "original": "What is there",
    "noise": "Noise",
}


@with_properties(
    board=StringProperty(
        name="Board",
        description="The folder of the board, with its board.toml",
        subtype="DIR_PATH",
        options=_BESIDE_THE_FILE,
        update=lambda _self, context: workplace.studio().board_of(context.scene),
    ),
    prompt=StringProperty(
        name="Prompt",
        description="What the frame shows; it opens with the shot, such as “close up of …”",
        search=_suggest,
        search_options={"SUGGESTION"},
        update=_lint,
    ),
    negative_prompt=StringProperty(name="Keep out", description="What the frame must not show"),
    model=StringProperty(
        name="Model",
        description="A model of the library; the daemon's default where this is empty",
        search=_models,
        search_options={"SUGGESTION"},
    ),
    strength=FloatProperty(
        name="Strength",
        description="How far to go from the picture: 100 % keeps nothing of it",
        subtype="FACTOR",
        min=0.01,
        max=1.0,
        default=0.7,
    ),
    candidates=IntProperty(
        name="Candidates", description="How many to choose from", min=1, max=64, default=2
    ),
    seed=IntProperty(
        name="Seed",
        description="The same seed gives the same frame; -1 draws one",
        min=-1,
        default=-1,
    ),
    fill=EnumProperty(
        name="Fill",
        description="What the masked part starts from, below a strength of 100 %",
        items=[(fill, fill.capitalize(), _FILL_WORDS[fill]) for fill in FILLS],
    ),
    hires=BoolProperty(
        name="Two Passes",
        description="Lay a frame out small, enlarge it and draw it over (hires fix): finer, and "
        "twice as wide and high, in three to five times the time. For frames from the prompt alone",
    ),
    seconds=FloatProperty(
        name="Seconds",
        description="How long the strip of a new frame is",
        min=0.04,
        soft_max=20.0,
        default=2.0,
    ),
    mask_image=PointerProperty(
        name="Mask",
        description="An image: white is drawn anew, black stays",
        type=bpy.types.Image,
    ),
    mask=PointerProperty(
        name="Mask",
        description="A mask drawn with splines: its inside is drawn anew",
        type=bpy.types.Mask,
    ),
    mask_from=EnumProperty(
        name="Mask from",
        items=[
            ("PAINT", "Painted", "White strokes on an image, in the Image Editor's Paint mode"),
            ("MASK", "Mask", "A Mask datablock, in the Image Editor's Mask mode"),
        ],
    ),
    jobs=StringProperty(options={"HIDDEN"}),
)
class SceneSettings(bpy.types.PropertyGroup):
    """What a scene keeps. `jobs` are those under way, for when the file is opened again."""

    def settings(self: Any) -> Settings:
        """What is asked for, as the panel says."""
        return Settings(
            self.prompt,
            self.negative_prompt,
            self.model or None,
            self.strength,
            self.candidates,
            None if self.seed < 0 else self.seed,
            self.fill,
            self.hires,
        )


@with_properties(
    program=StringProperty(
        name="framewrightd",
        description="The daemon's program, where it is not found by itself",
        subtype="FILE_PATH",
        update=lambda _self, _context: workplace.reconnect(),
    )
)
class Preferences(bpy.types.AddonPreferences):
    """What holds for every file."""

    bl_idname = PACKAGE

    def draw(self: Any, _context: Any) -> None:
        """Blender calls it."""
        self.layout.prop(self, "program")


CLASSES = (SceneSettings, Preferences)


def register() -> None:
    """Gives every scene its settings."""
    bpy.types.Scene.framewright = PointerProperty(type=SceneSettings)


def unregister() -> None:
    """Takes them back."""
    del bpy.types.Scene.framewright
