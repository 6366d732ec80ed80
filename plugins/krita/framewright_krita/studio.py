"""What the actions and the docker do: it joins documents, requests and the daemon's answers.

It knows no widget. Documents are reached through `canvases`, so that all of this runs in tests
without Krita.
"""

import random
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Optional, Protocol, cast

from framewright import (
    Cancelled,
    ConnectionLost,
    Event,
    FramewrightError,
    Generated,
    Mark,
    Picture,
    Remedy,
    Unreachable,
    WorkingSize,
)
from framewright.lint import mark
from framewright.results import Lint, decode
from framewright.settings import Settings
from framewright.working_size import LARGEST_SIDE

from .bounds import Bounds
from .gallery import Gallery
from .history import Entry, Result
from .library import Library
from .link import CONNECTED, CONNECTING, OFFLINE, STARTING, Link
from .mask import Mask
from .order import Order, Task, starts_from_canvas, unavailable
from .pixels import Pixels
from .qt import QtCore
from .scaling import from_png, mask_from_png, scaled
from .sheet import CanvasLike, Choice, Job, Meant, Sheet
from .steps import Steps

# Previews are for looking at: more of them a second would only cost time.
_PREVIEW_SECONDS = 0.4
# As many as the docker can show.
_SEEDS = (1 << 31) - 1


_AROUND = "Draw around what should be painted anew with a selection tool, then try again."
_NEEDS_SELECTION = {
    Task.INPAINT: _AROUND,
    Task.REPLACE: _AROUND,
    Task.SELECT: "Click on it, or draw a box around it, with a selection tool, then try again.",
}


class Canvases(Protocol):
    """Where documents come from."""

    def active(self) -> Optional[CanvasLike]:
        """The document that the painter works on."""
        ...

    def open(self) -> "Sequence[CanvasLike]":
        """Every open document."""
        ...

    def read(
        self, canvas: CanvasLike, bounds: Bounds, size: tuple[int, int]
    ) -> "Generator[None, None, Pixels]":
        """The pixels that a request starts from: the visible ones, or those of chosen layers."""
        ...


@dataclass(frozen=True)
class Wish:
    """What a painter asked for, before anything was read."""

    task: Task
    settings: Settings
    seed: int
    canvas: CanvasLike
    mask: Optional[Mask]
    bounds: Bounds


class Studio(QtCore.QObject):
    """Everything behind the docker."""

    changed = QtCore.pyqtSignal()
    """What the docker shows is different now."""
    progressed = QtCore.pyqtSignal()
    """A job went on."""

    def __init__(
        self, link: Link, canvases: Canvases, parent: Optional[QtCore.QObject] = None
    ) -> None:
        super().__init__(parent)
        self.link = link
        self.library = Library(link, self)
        self.gallery = Gallery(link)
        self.settings = Settings()
        self.notice: Optional[Remedy] = None
        """What concerns no document."""
        self._canvases = canvases
        self._sheets: dict[str, Sheet] = {}
        self._last: dict[str, Callable[[], None]] = {}
        self._fetching: set[str] = set()
        link.state_changed.connect(self._link_changed)
        self.library.changed.connect(self.changed)

    # What is shown.

    @property
    def sheet(self) -> Optional[Sheet]:
        """The active document's; none while no document is open."""
        canvas = self._canvases.active()
        if canvas is None:
            return None
        sheet = self._sheets.get(canvas.id)
        if sheet is None:
            self._forget_closed()
            sheet = self._sheets[canvas.id] = Sheet.of(canvas)
        return sheet

    @property
    def current_notice(self) -> Optional[Remedy]:
        """What the painter should read now."""
        sheet = self.sheet
        if sheet is not None and sheet.notice is not None:
            return sheet.notice
        if self.notice is not None:
            return self.notice
        if sheet is not None and sheet.canvas.trouble:
            return Remedy(sheet.canvas.trouble)
        return None

    @property
    def busy(self) -> bool:
        """Whether a job runs in the active document."""
        sheet = self.sheet
        return sheet is not None and sheet.job is not None

    def unavailable(self, task: Task) -> str:
        """Why a task cannot be done now; empty when it can."""
        return unavailable(task, self.library.methods)

    def lint(self, prompt: str, then: "Callable[[str, list[Mark]], None]") -> None:
        """Asks what of a prompt will not be drawn as meant. Starts no daemon."""
        if self.link.state != CONNECTED or not prompt.strip():
            then(prompt, [])
            return

        def told(result: Any) -> None:
            found = decode(Lint, result)
            then(prompt, [mark(prompt, finding) for finding in found.findings])

        self.link.ask("prompt.lint", {"prompt": prompt}, told)

    def dismiss_notice(self) -> None:
        """The painter has read it."""
        self.notice = None
        sheet = self.sheet
        if sheet is not None:
            sheet.notice = None
        self.changed.emit()

    # Making frames.

    def run(self, task: Task, settings: Optional[Settings] = None) -> None:
        """Does a task in the active document."""
        settings = (settings or self.settings).checked()
        sheet = self.sheet
        if sheet is None:
            self._say("No document is open.", "Open or create one, then try again.")
            return
        sheet.notice = self.notice = None
        refusal = self._refusal(task, settings, sheet)
        if refusal is not None:
            sheet.notice = refusal
            self.changed.emit()
            return
        if task is Task.SELECT and sheet.meant.is_selected(sheet.canvas.selection):
            # The same click once more: it meant something else.
            sheet.meant.go_on()
            self._select_meant(sheet)
            return
        seed = settings.seed if settings.seed is not None else random.randrange(_SEEDS)
        canvas = sheet.canvas
        mask = canvas.selection
        covered = mask.covered() if mask is not None else None
        if mask is not None and covered is None:
            sheet.notice = Remedy(
                "The selection lies outside of the canvas.",
                "Move it, or choose Select ▸ Deselect to use the whole canvas.",
            )
            self.changed.emit()
            return
        wish = Wish(task, settings, seed, canvas, mask, covered or canvas.bounds)
        self._begin(sheet, wish)

    def replace_character(self, character: str) -> None:
        """Repaints the selection with a character, by its token, in the place of who is there."""
        settings, sheet = self.settings.checked(), self.sheet
        selection = sheet.canvas.selection if sheet is not None else None
        covered = selection.covered() if selection is not None else None
        if sheet is None or covered is None or not settings.prompt:
            self.run(Task.REPLACE, settings)  # which says what is missing
            return
        across = covered.x + covered.width / 2 - sheet.canvas.bounds.x
        asked = {
            "prompt": settings.prompt,
            "character": character,
            "at": across / sheet.canvas.bounds.width,
        }

        def told(result: Any) -> None:
            self.run(Task.REPLACE, replace(settings, prompt=result["prompt"]))

        def failed(error: FramewrightError) -> None:
            sheet.notice = Remedy.of(error)
            self.changed.emit()

        self.link.ask("prompt.recast", asked, told, failed)

    def _refusal(self, task: Task, settings: Settings, sheet: Sheet) -> Optional[Remedy]:
        """Why a task is not even begun."""
        missing = self.unavailable(task)
        if missing:
            return Remedy(missing)
        if sheet.job is not None:
            return Remedy(
                "A frame of this document is being made already.",
                "Wait for it, or cancel it first.",
            )
        if sheet.canvas.trouble:
            return Remedy(sheet.canvas.trouble)
        if not settings.prompt and task is not Task.SELECT:
            return Remedy("The prompt is empty.", "Write what the frame shows, then try again.")
        if task in _NEEDS_SELECTION and sheet.canvas.selection is None:
            return Remedy("Nothing is selected.", _NEEDS_SELECTION[task])
        return None

    def _begin(self, sheet: Sheet, wish: Wish) -> None:
        self._hide(sheet)
        job = sheet.job = Job()
        self._last[sheet.canvas.id] = lambda: self._begin(sheet, wish)
        self.changed.emit()

        def failed(error: FramewrightError) -> None:
            self._failed(sheet, job, error)

        def read(steps: "Generator[None, None, Order]") -> None:
            if sheet.job is job:
                broken = self._reading_failed(sheet, job)
                job.reading = Steps(steps, lambda order: self._send(sheet, job, order), broken)

        if wish.task is Task.GENERATE:
            self.library.view.ask_size(
                wish.settings.model, lambda size: read(self._frame(wish, size, job)), failed
            )
        elif wish.task is Task.OUTPAINT:
            read(self._enlarged(wish))
        elif wish.task is Task.SELECT:
            read(self._pointed_at(wish))
        else:
            asked = context_params(wish.settings, wish.canvas.bounds, wish.bounds)
            self.link.ask(
                "inpaint.context",
                asked,
                lambda told: read(self._repainted(wish, box(told["context"]), job)),
                failed,
            )

    def _reading_failed(self, sheet: Sheet, job: Job) -> Callable[[Exception], None]:
        def failed(error: Exception) -> None:
            if not isinstance(error, FramewrightError):
                error = FramewrightError(f"the document could not be read: {error}")
            self._failed(sheet, job, error)

        return failed

    # Reading what requests need, in pieces.

    def _frame(self, wish: Wish, size: WorkingSize, job: Job) -> "Generator[None, None, Order]":
        """A frame in the selection, or on the whole canvas."""
        canvas = wish.canvas
        from_canvas = starts_from_canvas(wish.settings)
        hires = wish.settings.hires and not from_canvas
        width, height = size.fitting(wish.bounds.width, wish.bounds.height, hires)
        image = None
        job.mask = wish.mask.on(wish.bounds) if wish.mask is not None else None
        if job.mask is not None and job.mask.full:
            job.mask = None
        if from_canvas:
            read = yield from self._canvases.read(canvas, wish.bounds, (width, height))
            image = read.picture()
        return Order(
            wish.task, wish.settings, wish.seed, wish.bounds, width, height, canvas.depth, image
        )

    def _repainted(self, wish: Wish, bounds: Bounds, job: Job) -> "Generator[None, None, Order]":
        """The selection, with as much around it as the model needs to see."""
        canvas = wish.canvas
        assert wish.mask is not None, "refused before"
        image = yield from self._whole(canvas, bounds)
        # Previews show what the model works on; only the selection's part of them is meant.
        job.mask = wish.mask.on(bounds)
        mask = mask_picture(job.mask)
        order = Order(
            wish.task, wish.settings, wish.seed, bounds, bounds.width, bounds.height, canvas.depth
        )
        return replace(order, image=image.picture(), mask=mask, canvas=canvas.bounds)

    def _enlarged(self, wish: Wish) -> "Generator[None, None, Order]":
        """What is there of the canvas, to be extended to all of it."""
        canvas = wish.canvas
        bounds = canvas.bounds
        image = yield from self._whole(canvas, bounds)
        content = Mask(bounds, image.alpha).covered()
        if content is None:
            raise FramewrightError("the canvas is empty", None, "use Generate to begin")
        if content == bounds:
            raise FramewrightError(
                "nothing at the borders of this canvas is empty",
                None,
                "enlarge it with Image ▸ Resize Canvas…, then outpaint what is new",
            )
        order = Order(
            wish.task, wish.settings, wish.seed, bounds, bounds.width, bounds.height, canvas.depth
        )
        return replace(order, image=image.part(content).picture(), content=content, canvas=bounds)

    def _pointed_at(self, wish: Wish) -> "Generator[None, None, Order]":
        """The canvas, and what of it is selected to show what is meant."""
        canvas = wish.canvas
        bounds = canvas.bounds
        image = yield from self._whole(canvas, bounds)
        order = Order(
            wish.task, wish.settings, 0, bounds, bounds.width, bounds.height, canvas.depth
        )
        return replace(order, image=image.picture(), content=wish.bounds, canvas=bounds)

    def _whole(self, canvas: CanvasLike, bounds: Bounds) -> "Generator[None, None, Pixels]":
        """A part of the canvas as large as it is."""
        if max(bounds.width, bounds.height) > LARGEST_SIDE:
            raise FramewrightError(
                f"{bounds.width} × {bounds.height} pixels of the canvas are needed at once, and "
                f"{LARGEST_SIDE} on a side are possible",
                None,
                "select less, or work on a smaller copy of the document",
            )
        read = yield from self._canvases.read(canvas, bounds, (bounds.width, bounds.height))
        return read

    def _send(self, sheet: Sheet, job: Job, order: Order) -> None:
        if sheet.job is not job:
            return
        job.reading, job.order = None, order
        job.call = self.link.ask(
            order.task.method,
            order.params(job.key),
            lambda result: self._answered(sheet, job, result),
            lambda error: self._failed(sheet, job, error),
            lambda event: self._event(sheet, job, event),
        )
        self.changed.emit()

    def _event(self, sheet: Sheet, job: Job, event: Event) -> None:
        if sheet.job is not job:
            return
        job.progress.take(event)
        preview = event.fields.get("preview")
        now = time.monotonic()
        if isinstance(preview, dict) and now - job.preview_at >= _PREVIEW_SECONDS:
            job.preview_at = now
            pixels = self._preview_pixels(job, cast("dict[str, Any]", preview))
            if pixels is not None:
                sheet.canvas.show_preview(pixels)
        self.progressed.emit()

    def _preview_pixels(self, job: Job, preview: "dict[str, Any]") -> Optional[Pixels]:
        """A preview as it is seen on the canvas; none when it cannot be shown."""
        order = job.order
        if order is None:
            return None
        try:
            if preview.get("format") == "png":
                pixels = from_png(bytes(preview["data"]), "U8", 0, 0)
            else:
                picture = Picture(
                    preview["format"], preview["width"], preview["height"], preview["data"]
                )
                pixels = Pixels.of(picture, 0, 0)
        except (KeyError, TypeError, ValueError):
            return None
        return placed(pixels, order.bounds, job.mask)

    def _answered(self, sheet: Sheet, job: Job, result: Any) -> None:
        order = job.order
        if sheet.job is not job or order is None:
            return
        # Taking a layer away lets Krita's event loop run: the job ends after it.
        self._hide(sheet)
        if sheet.job is not job:
            return
        sheet.job = None
        try:
            if order.task is Task.SELECT:
                self._segmented(sheet, order, result)
            else:
                self._made(sheet, job, order, result)
        except (FramewrightError, KeyError, TypeError, ValueError) as error:
            if not isinstance(error, FramewrightError):
                error = FramewrightError(f"the daemon's answer cannot be understood: {error}")
            sheet.notice = Remedy.of(error)
        self.changed.emit()

    def _made(self, sheet: Sheet, job: Job, order: Order, result: Any) -> None:
        made = decode(Generated, result)
        results: list[Result] = []
        for frame in made.frames:
            blob = frame.picture.blob
            if blob is not None:
                self.gallery.put(blob, frame.picture)
                results.append(Result(frame.seed, blob))
        # A drawing comes alone, transparent where the canvas stays, and says where it belongs.
        bounds = box(result["place"]) if order.task.repaints else order.bounds
        entry = Entry(
            made.job,
            order.task,
            order.settings,
            order.seed,
            bounds,
            order.width,
            order.height,
            order.depth,
            None if order.task.repaints else job.mask,
            tuple(results),
        )
        sheet.record(entry)
        notices = list(made.notices)
        advice = result.get("region_small")
        if isinstance(advice, dict):
            notices.append(str(cast("dict[str, Any]", advice).get("message", "")))
        if notices:
            sheet.notice = Remedy(" ".join(_sentence(notice) for notice in notices))
        if results:
            self.try_on(sheet, Choice(entry, 0))

    def _segmented(self, sheet: Sheet, order: Order, result: Any) -> None:
        """The best of the masks becomes the selection; the others follow when asked again."""
        pictures = (bytes(candidate["mask"]["data"]) for candidate in result["candidates"])
        found = (mask_from_png(data, order.width, order.height) for data in pictures)
        masks = [Mask(order.bounds, data).trimmed() for data in found]
        different: list[Mask] = []
        for mask in masks:
            if not mask.bounds.empty and mask not in different:
                different.append(mask)
        sheet.meant = Meant(different)
        if not different:
            sheet.notice = Remedy(
                "Nothing was found there.", "Select a point or a box on what you mean."
            )
            return
        self._select_meant(sheet)

    def _select_meant(self, sheet: Sheet) -> None:
        meant = sheet.meant
        sheet.canvas.select(meant.chosen)
        if len(meant.masks) > 1:
            sheet.notice = Remedy(
                f"Selected the thing there, guess {meant.at + 1} of {len(meant.masks)}.",
                "Choose Select by click again for the next.",
            )
        self.changed.emit()

    def _failed(self, sheet: Sheet, job: Job, error: FramewrightError) -> None:
        if sheet.job is not job:
            return
        self._hide(sheet)
        sheet.job = None
        sheet.notice = None if isinstance(error, Cancelled) else Remedy.of(error)
        if isinstance(error, (Unreachable, ConnectionLost)) and job.order is not None:
            self._last[sheet.canvas.id] = lambda: self._resume(sheet, job)
        self.changed.emit()

    def _resume(self, sheet: Sheet, lost: Job) -> None:
        """Asks once more for a job whose daemon went away: it may have it still, by its key."""
        assert lost.order is not None, "it was sent"
        job = sheet.job = Job(key=lost.key, mask=lost.mask)
        self._send(sheet, job, lost.order)

    def cancel(self) -> None:
        """Cancels the job of the active document, and no other."""
        sheet = self.sheet
        if sheet is None or sheet.job is None:
            return
        job = sheet.job
        job.cancel()
        if job.call is None:
            self._failed(sheet, job, Cancelled())
        else:
            self.progressed.emit()

    def again(self) -> None:
        """Makes another batch with the settings of the newest entry, from a new seed."""
        sheet = self.sheet
        entry = next(sheet.history.newest_first(), None) if sheet is not None else None
        if entry is None:
            self._say("Nothing was made in this document yet.", "Generate a frame first.")
            return
        self.run(entry.task, replace(entry.settings, seed=None))

    def retry(self) -> None:
        """Makes the request that failed last once more."""
        sheet = self.sheet
        last = self._last.get(sheet.canvas.id) if sheet is not None else None
        self.dismiss_notice()
        if sheet is None or last is None:
            self.link.start()
        elif sheet.job is None:
            last()

    # Candidates.

    def try_on(self, sheet: Sheet, choice: Choice) -> None:
        """Shows a candidate on the canvas, in the preview layer."""
        entry = choice.entry

        def got(pixels: Pixels) -> None:
            if sheet.job is None:
                sheet.canvas.show_preview(placed(pixels, entry.bounds, entry.mask))
                sheet.tried = choice
                self.changed.emit()

        self.gallery.get(choice.blob, entry.depth, got, lambda error: self._gone(sheet, error))

    def hide_tried(self) -> None:
        """Takes the candidate off the canvas that is tried on it."""
        sheet = self.sheet
        if sheet is not None and sheet.job is None:
            self._hide(sheet)
            self.changed.emit()

    def apply(self, choice: Optional[Choice] = None, how: str = "layer") -> None:
        """Puts a candidate into the document: the one that is tried on when none is named.

        `how` is `layer`, `group` (with the other candidates of its request) or `mask`.
        """
        sheet = self.sheet
        choice = choice or (sheet.tried if sheet is not None else None)
        if sheet is None or choice is None:
            self._say("No candidate is chosen.", "Click on one in the docker first.")
            return
        if how == "group":
            self._apply_group(sheet, choice)
            return
        entry, name = choice.entry, title(choice)

        def got(pixels: Pixels) -> None:
            self._hide(sheet)
            if how == "mask" and sheet.canvas.takes_transparency_masks:
                whole = Mask(entry.bounds, bytes([255]) * entry.bounds.area)
                whole_pixels = placed(pixels, entry.bounds, None)
                sheet.canvas.insert_masked(name, whole_pixels, entry.mask or whole)
            else:
                sheet.canvas.insert(name, placed(pixels, entry.bounds, entry.mask))
            sheet.note_applied(choice)
            self.changed.emit()

        self.gallery.get(choice.blob, entry.depth, got, lambda error: self._gone(sheet, error))

    def _apply_group(self, sheet: Sheet, first: Choice) -> None:
        entry = first.entry
        others = [at for at in range(len(entry.results)) if at != first.index]
        choices = [first, *(Choice(entry, at) for at in others)]
        layers: list[tuple[str, Pixels]] = []

        def fetch() -> None:
            if len(layers) < len(choices):
                choice = choices[len(layers)]
                self.gallery.get(choice.blob, entry.depth, got, failed)
                return
            self._hide(sheet)
            sheet.canvas.insert_group(title(first), layers)
            sheet.note_applied(first)
            self.changed.emit()

        def got(pixels: Pixels) -> None:
            choice = choices[len(layers)]
            layers.append((title(choice), placed(pixels, entry.bounds, entry.mask)))
            fetch()

        def failed(error: FramewrightError) -> None:
            self._gone(sheet, error)

        fetch()

    def forget(self, choice: Choice) -> None:
        """Takes a request and its candidates out of the document's history."""
        sheet = self.sheet
        if sheet is not None:
            if sheet.tried is not None and sheet.tried.entry is choice.entry:
                self._hide(sheet)
            sheet.forget(choice.entry)
            self.changed.emit()

    def fetch_thumbnail(self, choice: Choice) -> None:
        """Fetches what is needed to show a candidate of a document that was opened again."""
        blob = choice.blob
        if self.link.state != CONNECTED or blob in self._fetching or self.gallery.lost(blob):
            return
        self._fetching.add(blob)

        def settled(_: object) -> None:
            self._fetching.discard(blob)
            self.changed.emit()

        self.gallery.get(blob, choice.entry.depth, settled, settled)

    def _gone(self, sheet: Sheet, error: FramewrightError) -> None:
        words = Remedy.of(error)
        if words is not None and getattr(error, "code", "") == "not_found":
            words = Remedy(
                "The daemon has removed this picture to make room.",
                "“Again” on its menu makes it anew, the same to the pixel.",
            )
        sheet.notice = words
        self.changed.emit()

    # Coming and going.

    def _hide(self, sheet: Sheet) -> None:
        sheet.tried = None
        sheet.canvas.hide_preview()

    def _forget_closed(self) -> None:
        open_now = {canvas.id for canvas in self._canvases.open()}
        for id, sheet in list(self._sheets.items()):
            if id not in open_now:
                if sheet.job is not None:
                    sheet.job.cancel()
                del self._sheets[id]
                self._last.pop(id, None)

    def _link_changed(self, state: str) -> None:
        for sheet in self._sheets.values():
            job = sheet.job
            if job is None or job.call is None:
                continue
            if state in (OFFLINE, CONNECTING):
                job.progress.words = "The daemon went away; looking for it"
            elif state == STARTING:
                job.progress.words = "Starting the daemon"
            elif state == CONNECTED:
                job.progress.words = "Asking for the frame again"
        if state == CONNECTED:
            self.notice = None
        self.changed.emit()

    def _say(self, message: str, hint: str) -> None:
        self.notice = Remedy(message, hint)
        self.changed.emit()


def title(choice: Choice) -> str:
    """The name of the layer that a candidate becomes."""
    prompt = " ".join(choice.entry.settings.prompt.split())
    short = prompt if len(prompt) <= 48 else prompt[:47].rstrip() + "…"
    return f"{short or 'Outpainted'} ({choice.seed})"


def placed(pixels: Pixels, bounds: Bounds, mask: Optional[Mask]) -> Pixels:
    """A frame on the canvas: in its place, at its size, seen through its mask."""
    fitted = scaled(pixels, bounds.width, bounds.height)
    there = Pixels(bounds, fitted.depth, fitted.data)
    return there if mask is None else there.through(mask.on(bounds).data)


def mask_picture(mask: Mask) -> Picture:
    """A mask as the protocol carries it: white where something may change."""
    pixels = bytearray(4 * len(mask.data))
    for channel in range(3):
        pixels[channel::4] = mask.data
    pixels[3::4] = bytes([255]) * len(mask.data)
    return Picture.rgba8(mask.bounds.width, mask.bounds.height, pixels)


def context_params(settings: Settings, canvas: Bounds, selection: Bounds) -> dict[str, Any]:
    """What `inpaint.context` is asked."""
    params: dict[str, Any] = {
        "width": canvas.width,
        "height": canvas.height,
        "selection": asdict(selection),
        "strength": settings.strength,
        "model": settings.model,
    }
    return {key: value for key, value in params.items() if value is not None}


def box(told: "dict[str, Any]") -> Bounds:
    """A pixel box of the protocol."""
    return Bounds(told["x"], told["y"], told["width"], told["height"])


def _sentence(text: str) -> str:
    text = text.strip()
    return (text[:1].upper() + text[1:]).rstrip(".") + "." if text else ""
