"""What operators and panels do: it joins Blender's documents, requests and the daemon's answers.

Everything happens on Blender's main thread, in `pump`. The client's own thread sends and waits,
and touches nothing of Blender.
"""

import functools
import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import bpy

from . import pictures, places, sequence
from .client import (
    Background,
    Board,
    BoardDrawn,
    BoardPlanned,
    Cancelled,
    ConnectionLost,
    ConnectOptions,
    Event,
    FramewrightError,
    Generated,
    JobList,
    JobOutcome,
    LibraryView,
    Lint,
    Mark,
    Picture,
    Remedy,
    Settings,
    Unreachable,
    WorkingSize,
    decode,
    given,
    mark,
)
from .job import Job, Target, from_text, to_text
from .order import Order, Task
from .record import Record
from .steps import Steps

# As many as a panel's field can show.
_SEEDS = (1 << 31) - 1
_JOBS_LOOKED_THROUGH = 1000
_INPAINTED = "inpainted"
"""The folder in a board's for frames that were painted anew: a board picks what lies in it."""


class Studio:
    """Everything behind the panels."""

    def __init__(self, options: ConnectOptions) -> None:
        self.boards: dict[str, Board] = {}
        """What is known of boards, by their absolute folders."""
        self.jobs: list[Job] = []
        self.notice: Optional[Remedy] = None
        """What the artist should read now."""
        self.marks: tuple[str, list[Mark]] = ("", [])
        """A prompt, and what of it will not be drawn as meant."""
        self.changed = True
        """Whether panels show something else than a moment ago; whoever draws them resets it."""
        self.library = LibraryView(self._look_up, self._note_change)
        self._steps = Steps()
        self._retry: Optional[Callable[[], None]] = None
        self._wanted: set[str] = set()
        self._asking = 0
        self._background = self._connection(options)

    @property
    def state(self) -> str:
        """`offline`, `connecting` or `connected`."""
        return self._background.state

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return bool(self.jobs) or bool(self._steps) or self._asking > 0

    def pump(self, budget_seconds: float = 0.008) -> None:
        """Delivers what came back and goes on with what is being read. Blender's timer calls it."""
        self._background.pump(budget_seconds)
        self._steps.go_on(budget_seconds)

    def use(self, options: ConnectOptions) -> None:
        """Goes over to another connection, such as one that knows where the daemon's program is,
        takes up what is under way there, and makes the request that failed once more."""
        self._background.close(cancel=False)
        self._background = self._connection(options)
        self._asking = 0
        drawn = [job for job in self.jobs if job.board]
        self.jobs = [job for job in self.jobs if not job.board]
        for job in self.jobs:
            if job.order is not None:
                self._look_for(job)
        if drawn:
            self.render_board(drawn[0].board)
        self.retry()

    def _connection(self, options: ConnectOptions) -> Background:
        return Background(
            options, topics=("library",), on_event=self._take_event, on_state=self._take_state
        )

    def close(self) -> None:
        """Leaves the daemon; it goes on with the jobs."""
        self._background.close(cancel=False)

    # Boards.

    def board_of(self, scene: Any) -> Optional[Board]:
        """The board that a scene has chosen, as far as it is known. Asks for it the first time."""
        path = places.absolute(scene.framewright.board)
        if not path:
            return None
        if path not in self.boards and path not in self._wanted:
            self.open_board(path)
        return self.boards.get(path)

    def open_board(self, path: str, then: Callable[[Board], None] = lambda _: None) -> None:
        """Asks what a board holds."""
        self._wanted.add(path)

        def told(board: Board) -> None:
            self._take_board(board)
            then(board)

        self._ask("board.open", {"path": path}, Board, told)

    def new_board(self, path: str, scene_text: str, frames: Optional[int]) -> None:
        """Makes a board and plans its scene."""

        def made(board: Board) -> None:
            self._take_board(board)
            self._ask("board.plan", given(path=path, frames=frames), BoardPlanned, planned)

        def planned(result: BoardPlanned) -> None:
            if result.board is not None:
                self._take_board(result.board)
            self._tell_notices(result.notes)

        self._wanted.add(path)
        self._ask("board.new", {"path": path, "scene": scene_text}, Board, made)

    def render_board(self, path: str, frame: Optional[str] = None) -> None:
        """Draws what a board asks for and does not have, or what one frame of it does."""
        if self.drawing(path) is not None:
            self.say("This board is being rendered already.", "Wait for it, or cancel it first.")
            return
        job = Job(f"Rendering {Path(path).name}", board=path)
        self.jobs.append(job)

        def event(event: Event) -> None:
            if event.name == "board.progress":
                job.progress.take(event)
                self.open_board(path)
            elif event.name in ("job.started", "job.suspended", "job.resumed"):
                job.progress.take(event)
            self._note_change()

        def drawn(result: BoardDrawn) -> None:
            self._end(job)
            self._take_board(result.board)
            self._tell_notices(result.notices)
            self._update_strips(result.board, "Render Board")

        def failed(error: FramewrightError) -> None:
            self._end(job)
            self.open_board(path, lambda board: self._update_strips(board, "Render Board"))
            self._tell(error, lambda: self.render_board(path, frame))

        self._forget_notice()
        job.ticket = self._background.submit(
            "board.render",
            given(path=path, frame=frame),
            understand=functools.partial(decode, BoardDrawn),
            on_event=event,
            on_result=drawn,
            on_error=failed,
        )

    def drawing(self, path: str) -> Optional[Job]:
        """The drawing of a board that is under way."""
        return next((job for job in self.jobs if job.board and job.board == path), None)

    def pick(self, path: str, frame: str, take: str) -> None:
        """Picks a take of a board's frame, or a picture in the board's folder, and lets strips
        show it."""

        def picked(board: Board) -> None:
            self._take_board(board)
            self._update_strips(board, "Pick Take")

        self._ask("board.pick", {"path": path, "frame": frame, "take": take}, Board, picked)

    def redo(self, path: str, frame: str, prompt: Optional[str] = None) -> None:
        """Asks for another batch of takes of a frame, and draws it."""

        def asked(board: Board) -> None:
            self._take_board(board)
            self.render_board(path, frame)

        self._ask("board.redo", given(path=path, frame=frame, prompt=prompt), Board, asked)

    # Frames.

    def generate(self, scene: Any, settings: Settings, length: int) -> None:
        """A frame from the prompt, as a strip at the current frame."""
        target = Target("strip", scene.name, start=scene.frame_current, length=length)
        shape = (scene.render.resolution_x, scene.render.resolution_y)
        self._begin(Task.GENERATE, settings, target, shape)

    def start_from(
        self,
        picture: "Picture | Generator[None, None, Picture]",
        settings: Settings,
        target: Target,
    ) -> None:
        """A frame that starts from a picture."""
        self._begin(Task.START, settings, target, picture=picture)

    def inpaint(
        self,
        steps: "Generator[None, None, tuple[Picture, Picture]]",
        settings: Settings,
        target: Target,
    ) -> None:
        """Paints a part of a picture anew; `steps` give the picture and its mask."""
        job = self._new_job(Task.INPAINT, settings, target)
        if job is None:
            return

        def read(pair: "tuple[Picture, Picture]") -> None:
            self._send(job, Order(Task.INPAINT, job.settings, _seed(settings), None, None, *pair))

        job.give_up = self._steps.add(steps, read, lambda error: self._failed(job, error))

    def again(self, scene: Any, strip: Any, record: Record) -> None:
        """Another batch: of a board's frame, or of a single frame with the same settings."""
        if record.frame:
            self.redo(places.absolute(record.board), record.frame)
            return
        if record.task != Task.GENERATE.value:
            self.say(
                "This strip's frame was made from a picture.",
                "Make it again in the Image Editor, where that picture is.",
            )
            return
        target = Target("strip", scene.name, strip.name, strip.frame_final_start)
        shape = (scene.render.resolution_x, scene.render.resolution_y)
        self._begin(Task.GENERATE, replace(record.settings, seed=None), target, shape)

    def cancel(self, job: Job) -> None:
        """Ends one job, and no other."""
        if job.give_up is not None:
            job.give_up()
        job.progress.words = "Cancelling…"
        if job.board:
            self._background.submit("board.stop", {"path": job.board})
        elif job.name is not None:
            self._background.submit("job.cancel", {"job": job.name})
        elif job.ticket is not None:
            job.ticket.cancel()
        else:
            self._end(job)
        self._note_change()

    def paint_mask(self, source: Any, then: Callable[[Any], None]) -> None:
        """Makes an image to paint a mask on."""

        def made(mask: Any) -> None:
            then(mask)
            self._undo_step("Paint a Mask")

        self._steps.add(pictures.paint_mask(source), made, lambda error: self._tell(error, None))

    def pick_candidate(self, scene: Any, strip: Any, index: int) -> None:
        """Lets a strip of a single frame show another of its candidates."""
        record = Record.of(strip)
        if record is not None and 0 <= index < len(record.candidates):
            sequence.show_candidate(scene, strip, record.picking(index))

    # Coming and going.

    def adopt(self) -> None:
        """After a file was opened: forgets the jobs of the one before, with which the daemon goes
        on, and asks for the board and the jobs of this one."""
        self._steps.drop(None)
        self.jobs = [job for job in self.jobs if job.board]
        self._wanted.clear()
        self.notice = None
        for scene in bpy.data.scenes:
            for job in from_text(scene.framewright.jobs):
                job.progress.words = "Looking for it"
                self.jobs.append(job)
                self._look_for(job)
            if scene.framewright.board:
                self.open_board(places.absolute(scene.framewright.board))

    def drop_reading(self) -> None:
        """Gives up what is being read from pictures: after an undo they are other objects."""
        self._steps.drop(
            FramewrightError("undo came while a picture was read", None, "press the button again")
        )

    def remember(self) -> None:
        """Writes into each scene which of its jobs are under way. Undo must not take that back,
        and a file that is saved now has to find them."""
        for scene in bpy.data.scenes:
            mine = [job for job in self.jobs if job.target and job.target.scene == scene.name]
            text = to_text(mine)
            if scene.framewright.jobs != text:
                scene.framewright.jobs = text

    @property
    def can_retry(self) -> bool:
        """Whether there is a request that failed."""
        return self._retry is not None

    def retry(self) -> None:
        """Makes the request that failed once more."""
        again, self._retry = self._retry, None
        self._forget_notice()
        if again is not None:
            again()
        else:
            self._wanted.clear()
            self._background.submit("status", on_error=lambda error: self._tell(error, None))

    def dismiss(self) -> None:
        """The artist has read the notice."""
        self._forget_notice()

    def say(self, message: str, hint: str = "") -> None:
        """Tells the artist something."""
        self.notice = Remedy(message, hint)
        self._note_change()

    def lint(self, prompt: str) -> None:
        """Asks what of a prompt will not be drawn as meant. Starts no daemon."""
        if self.state != "connected" or not prompt.strip():
            self.marks = (prompt, [])
            return

        def told(found: Lint) -> None:
            self.marks = (prompt, [mark(prompt, finding) for finding in found.findings])
            self._note_change()

        self._background.submit(
            "prompt.lint",
            {"prompt": prompt},
            understand=functools.partial(decode, Lint),
            on_result=told,
        )

    # What a request goes through.

    def _new_job(self, task: Task, settings: Settings, target: Target) -> Optional[Job]:
        settings = settings.checked()
        if not settings.prompt:
            self.say("The prompt is empty.", "Write what the frame shows, then try again.")
            return None
        self._forget_notice()
        job = Job(_short(settings.prompt), task, settings, target)
        self.jobs.append(job)
        self.remember()
        return job

    def _begin(
        self,
        task: Task,
        settings: Settings,
        target: Target,
        shape: "Optional[tuple[int, int]]" = None,
        picture: "Picture | Generator[None, None, Picture] | None" = None,
    ) -> None:
        """Reads the picture where there is one, asks at what size to work, and sends."""
        job = self._new_job(task, settings, target)
        if job is None:
            return

        def failed(error: FramewrightError) -> None:
            self._failed(job, error)

        def size(shape: "tuple[int, int]", image: Optional[Picture]) -> None:
            def told(size: WorkingSize) -> None:
                hires = task is Task.GENERATE and job.settings.hires
                width, height = size.fitting(*shape, hires=hires)
                order = Order(task, job.settings, _seed(settings), width, height, image)
                self._send(job, order)

            def unknown(error: FramewrightError) -> None:
                # What was read is not read again.
                again = image or picture
                whole = functools.partial(self._begin, task, settings, target, shape, again)
                self._failed(job, error, whole)

            self.library.ask_size(job.settings.model, told, unknown)

        def read(image: Picture) -> None:
            size((image.width, image.height), image)

        if isinstance(picture, Picture):
            read(picture)
        elif picture is not None:
            job.give_up = self._steps.add(picture, read, failed)
        elif shape is not None:
            size(shape, None)

    def _send(self, job: Job, order: Order) -> None:
        if job not in self.jobs:
            return
        job.give_up, job.order = None, order
        job.ticket = self._background.submit(
            order.task.method,
            order.params(job.key),
            on_event=lambda event: self._progress(job, event),
            on_result=lambda result: self._answered(job, result),
            on_error=lambda error: self._failed(job, error),
        )
        self._note_change()

    def _look_for(self, job: Job) -> None:
        """Finds a job of an earlier session by its key, and waits for what it makes."""

        def failed(error: FramewrightError) -> None:
            self._failed(job, error, lambda: self._look_again(job))

        def listed(found: JobList) -> None:
            same = [held for held in found.jobs if held.key == job.key]
            if not same:
                self._end(job)
                self.say(
                    f"The daemon does not know “{job.title}”, which this file waited for.",
                    "It may have been forgotten, or asked of another machine: generate it again.",
                )
                return
            job.name = same[0].job
            job.progress.words = "Waiting for it"
            self._background.submit(
                "job.wait",
                {"job": job.name, "format": "png"},
                understand=functools.partial(decode, JobOutcome),
                on_result=ended,
                on_error=failed,
            )
            self._background.submit(
                "job.watch", {"job": job.name}, on_event=lambda event: self._progress(job, event)
            )

        def ended(outcome: JobOutcome) -> None:
            try:
                outcome.generated()
            except FramewrightError as error:
                self._failed(job, error)
            else:
                self._answered(job, outcome.result)

        self._background.submit(
            "job.list",
            {"limit": _JOBS_LOOKED_THROUGH},
            understand=functools.partial(decode, JobList),
            on_result=listed,
            on_error=failed,
        )

    def _look_again(self, job: Job) -> None:
        self.jobs.append(job)
        self._look_for(job)

    def _progress(self, job: Job, event: Event) -> None:
        job.progress.take(event)
        self._note_change()

    def _answered(self, job: Job, result: Any) -> None:
        if job not in self.jobs or job.target is None or job.task is None:
            return
        self._end(job)
        try:
            made = decode(Generated, result)
            self._put(job, job.task, job.target, made)
        except FramewrightError as error:
            self._tell(error, None)
            return
        except OSError as error:
            refusal = FramewrightError(
                f"the frame cannot be written: {error.strerror or error}",
                error.filename,
                "make room or save the .blend file elsewhere; the daemon has the frame still",
            )
            self._tell(refusal, lambda: self._look_again(job))
            return
        small: Any = result.get("region_small")
        advice = [str(small.get("message", ""))] if isinstance(small, dict) else []
        self._tell_notices([*made.notices, *advice])

    def _put(self, job: Job, task: Task, target: Target, made: Generated) -> None:
        """Puts what was made where it was wanted."""
        folder = places.frames_folder()
        if target.board and target.frame:
            folder = Path(target.board, _INPAINTED)
        files, seeds = [], []
        for frame in made.frames:
            name = f"{_slug(job.settings.prompt)}-{frame.seed}-{(frame.picture.blob or '')[:8]}.png"
            files.append(places.stored(places.write_frame(folder, name, frame.picture.data)))
            seeds.append(str(frame.seed))
        record = Record.made(task, job.settings, made.job).with_more(tuple(files), tuple(seeds))
        if target.kind == "image":
            record = replace(
                record,
                source=target.source,
                board=places.stored(target.board) if target.board else "",
                frame=target.frame,
                scene=target.scene,
                strip=target.strip,
            )
            self._put_image(record)
        else:
            self._put_strip(target, record, job.title)
        self._note_change()

    def _put_strip(self, target: Target, record: Record, title: str) -> None:
        scene = bpy.data.scenes.get(target.scene)
        if scene is None:
            scene = bpy.context.scene
            self.say(f"The scene {target.scene} is gone.", f"The frame is in {scene.name} now.")
        strip = sequence.named(scene, target.strip) if target.strip else None
        held = Record.of(strip) if strip is not None else None
        if strip is not None and held is not None:
            more = held.with_more(record.candidates, record.seeds)
            sequence.show_candidate(scene, strip, replace(more, job=record.job))
        else:
            span = sequence.Span(target.start, max(target.length, 1))
            path = places.absolute(record.shown)
            sequence.insert_frame(scene, path, title, record, span)
        self._undo_step("Generate Frame")

    def _put_image(self, record: Record) -> None:
        image = pictures.load(places.absolute(record.shown))
        record.keep(image)
        image.use_fake_user = True
        show_image(image, record.source)
        self._undo_step("Inpaint" if record.task == Task.INPAINT.value else "Start from Picture")

    def _failed(
        self, job: Job, error: FramewrightError, retry: Optional[Callable[[], None]] = None
    ) -> None:
        if job not in self.jobs:
            return
        self._end(job)
        if retry is None and job.order is not None:
            retry = functools.partial(self._resume, job, error)
        self._tell(error, retry)

    def _resume(self, lost: Job, error: FramewrightError) -> None:
        """Makes a request once more. Where its daemon went away it may have the job still, by its
        key; a job that failed needs another key."""
        assert lost.order is not None, "it was sent"
        job = replace(lost, ticket=None, name=None)
        job.progress = type(lost.progress)()
        if not isinstance(error, (Unreachable, ConnectionLost)):
            job.key = Job("").key
        self.jobs.append(job)
        self.remember()
        self._send(job, lost.order)

    def _end(self, job: Job) -> None:
        if job in self.jobs:
            self.jobs.remove(job)
        self.remember()
        self._note_change()

    def _ask(
        self,
        method: str,
        params: "dict[str, Any]",
        kind: "type[Any]",
        then: Callable[[Any], None],
    ) -> None:
        """Makes a request that needs no patience; what fails is told, with a way to try again."""

        def told(result: Any) -> None:
            self._asking -= 1
            then(result)

        def failed(error: FramewrightError) -> None:
            self._asking -= 1
            self._tell(error, lambda: self._ask(method, params, kind, then))

        self._asking += 1
        self._background.submit(
            method,
            params,
            understand=functools.partial(decode, kind),
            on_result=told,
            on_error=failed,
        )

    # What the daemon tells.

    def _take_board(self, board: Board) -> None:
        self.boards[board.path] = board
        self._note_change()

    def _update_strips(self, board: Board, words: str) -> None:
        """Lets the strips of all scenes show what a board shows now, as one step of undo."""
        if sequence.picked_everywhere(list(bpy.data.scenes), board):
            self._undo_step(words)

    def _look_up(
        self,
        method: str,
        params: "Mapping[str, Any]",
        on_result: Callable[[Any], None],
        on_error: Callable[[FramewrightError], None] = lambda _: None,
    ) -> None:
        self._background.submit(method, params, on_result=on_result, on_error=on_error)

    def _take_event(self, event: Event) -> None:
        if event.name == "library.changed":
            self.library.read()

    def _take_state(self, state: str) -> None:
        for job in self.jobs:
            if state == "connecting":
                job.progress.words = "The daemon went away; looking for it"
        if state == "connected":
            self.library.read()
        self._note_change()

    def _tell(self, error: FramewrightError, retry: Optional[Callable[[], None]]) -> None:
        remedy = None if isinstance(error, Cancelled) else Remedy.of(error)
        if remedy is not None:
            self.notice, self._retry = remedy, retry
        self._note_change()

    def _tell_notices(self, notices: "list[str]") -> None:
        words = " ".join(_sentence(notice) for notice in notices if notice)
        if words:
            self.say(words)

    def _forget_notice(self) -> None:
        self.notice = None
        self._note_change()

    def _note_change(self) -> None:
        self.changed = True

    def _undo_step(self, words: str) -> None:
        """What came back becomes one step of undo, as if the artist had done it just now."""
        self.remember()
        if bpy.app.background:
            return
        words = f"Framewright: {words}"
        if bpy.context.window is not None:
            bpy.ops.ed.undo_push(message=words)
            return
        # Only where there is no other way: under an override, Blenders of Python 3.11 and older
        # look into a dictionary without Python's lock, and crash where another thread runs.
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            bpy.ops.ed.undo_push(message=words)


def show_image(image: Any, instead_of: str = "", mode: str = "") -> bool:
    """Shows an image in the Image Editors that show another one, else in the first that there is;
    whether there is one. `mode` is the editor's."""
    editors = [
        area.spaces.active
        for window in bpy.context.window_manager.windows
        for area in window.screen.areas
        if area.type == "IMAGE_EDITOR"
    ]
    same = [
        space for space in editors if space.image is not None and space.image.name == instead_of
    ]
    for space in same or editors[:1]:
        space.image = image
        if mode:
            space.ui_mode = mode
    return bool(editors)


def paint_with_white(scene: Any) -> None:
    """Gives the brush the colour that a mask is painted with, and black to exchange it for."""
    painting = scene.tool_settings.image_paint
    # The settings that brushes share are each mode's own from Blender 5.0 on.
    shared = getattr(painting, "unified_paint_settings", None)
    if shared is None:
        shared = scene.tool_settings.unified_paint_settings
    held = shared if shared.use_unified_color else painting.brush
    if held is not None:
        held.color, held.secondary_color = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)


def _seed(settings: Settings) -> int:
    return settings.seed if settings.seed is not None else random.randrange(_SEEDS)


def _short(prompt: str) -> str:
    words = " ".join(prompt.split())
    return words if len(words) <= 48 else words[:47].rstrip() + "…"


def _slug(prompt: str) -> str:
    kept = "".join(letter if letter.isalnum() else "-" for letter in prompt.lower())
    return "-".join(part for part in kept.split("-") if part)[:40].strip("-") or "frame"


def _sentence(text: str) -> str:
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?…" else text + "."
