"""The docker's content: everything that a painter sees of Framewright."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Optional

from framewright import Character, Shot

from ..link import CONNECTED, CONNECTING, STARTING
from ..order import Task
from ..qt import QtCore, QtGui, QtWidgets
from ..sheet import Choice
from ..studio import Studio
from . import theme
from .candidate_strip import CandidateStrip
from .framing_picture import framing_picture
from .lint_line import LintLine
from .notice_bar import NoticeBar
from .picker import Picker
from .prompt_edit import PromptEdit
from .settings_form import SettingsForm

TASK_WORDS = {
    Task.GENERATE: "Generate",
    Task.INPAINT: "Inpaint selection",
    Task.REPLACE: "Replace character in selection",
    Task.OUTPAINT: "Outpaint to the canvas",
    Task.SELECT: "Select by click",
}
"""What the tasks are called in menus."""


class Panel(QtWidgets.QWidget):
    """Shows a studio and passes on what the painter does."""

    def __init__(
        self,
        studio: Studio,
        do: Callable[[Task], None],
        fix: Callable[[str], None],
        parent: Optional[QtWidgets.QWidget] = None,
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._do = do
        self.prompt = PromptEdit()
        self.lint = LintLine()
        self.shots = Picker("Shot", "The shot that opens the prompt")
        self.characters = Picker(
            "Character", "Put a character into the prompt, in place of the first one there"
        )
        self.generate = QtWidgets.QToolButton()
        self.cancel = QtWidgets.QPushButton("Cancel")
        self.progress = QtWidgets.QProgressBar()
        self.words = QtWidgets.QLabel()
        self.notice = NoticeBar()
        self.form = SettingsForm()
        self.strip = CandidateStrip(
            studio.gallery.thumbnail, studio.gallery.lost, self._takes_masks
        )
        self.apply = QtWidgets.QToolButton()
        self.hide_tried = QtWidgets.QPushButton("Hide")
        self.state = QtWidgets.QLabel()
        self._empty = QtWidgets.QLabel()
        self._task_actions: dict[Task, QtGui.QAction] = {}
        self._framings: dict[tuple[str, int, float], Optional[QtGui.QIcon]] = {}
        self._make()
        self._lay_out()
        self._connect(fix)
        self.refresh()

    # Making.

    def _make(self) -> None:
        menu = QtWidgets.QMenu(self)
        for task, words in TASK_WORDS.items():
            action = menu.addAction(words)
            if action is not None:
                action.triggered.connect(lambda _=False, task=task: self._do(task))
                self._task_actions[task] = action
        menu.setToolTipsVisible(True)
        self._button(self.generate, "Generate", menu)
        self.generate.setToolTip("Make frames in the selection, or on the whole canvas")
        font = self.generate.font()
        font.setBold(True)
        self.generate.setFont(font)
        ways = QtWidgets.QMenu(self)
        for words, how in _WAYS:
            action = ways.addAction(words)
            if action is not None:
                action.triggered.connect(lambda _=False, how=how: self._studio.apply(how=how))
                if how == "mask":
                    ways.aboutToShow.connect(
                        lambda action=action: action.setVisible(self._takes_masks())
                    )
        self._button(self.apply, "Apply as layer", ways)
        self.apply.setToolTip("Put the candidate into a new layer; undo takes it out again")
        self.hide_tried.setToolTip("Take the candidate off the canvas")
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.progress.setFixedHeight(6)
        self.cancel.setToolTip("Cancel this document's frame; other jobs go on")
        faint = self.palette()
        faint.setColor(QtGui.QPalette.ColorRole.WindowText, theme.faint(self))
        for label in (self.words, self.state, self._empty):
            label.setPalette(faint)
            label.setTextFormat(QtCore.Qt.TextFormat.PlainText)
        self.words.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Minimum
        )
        self._empty.setText("Candidates appear here.\nClick on one to try it on the canvas.")
        self._empty.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
        self._empty.setMinimumHeight(64)

    def _button(self, button: QtWidgets.QToolButton, words: str, menu: QtWidgets.QMenu) -> None:
        button.setText(words)
        button.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextOnly)
        button.setPopupMode(QtWidgets.QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        button.setMenu(menu)
        button.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed
        )
        button.setMinimumHeight(28)

    def _lay_out(self) -> None:
        pickers = QtWidgets.QHBoxLayout()
        pickers.setSpacing(theme.GAP)
        pickers.addWidget(self.shots, 1)
        pickers.addWidget(self.characters, 1)
        working = QtWidgets.QHBoxLayout()
        working.setSpacing(theme.GAP)
        working.addWidget(self.words, 1)
        working.addWidget(self.cancel)
        self._working = QtWidgets.QWidget()
        inner = QtWidgets.QVBoxLayout(self._working)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(4)
        inner.addWidget(self.progress)
        inner.addLayout(working)
        applying = QtWidgets.QHBoxLayout()
        applying.setSpacing(theme.GAP)
        applying.addWidget(self.apply, 1)
        applying.addWidget(self.hide_tried)
        self._applying = QtWidgets.QWidget()
        self._applying.setLayout(applying)
        applying.setContentsMargins(0, 0, 0, 0)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 6)
        layout.setSpacing(theme.GAP)
        layout.addWidget(self.prompt)
        layout.addWidget(self.lint)
        layout.addLayout(pickers)
        layout.addWidget(self.generate)
        layout.addWidget(self._working)
        layout.addWidget(self.notice)
        layout.addWidget(self._empty)
        layout.addWidget(self.strip, 1)
        layout.addWidget(self._applying)
        layout.addSpacing(theme.WIDE_GAP - theme.GAP)
        layout.addWidget(self.form)
        layout.addWidget(self.state)
        layout.addStretch(0)
        self.setMinimumWidth(250)

    def _connect(self, fix: Callable[[str], None]) -> None:
        studio = self._studio
        studio.changed.connect(self.refresh)
        studio.progressed.connect(self._show_progress)
        studio.link.state_changed.connect(lambda _: self._look_at_prompt())
        self.prompt.edited.connect(self._prompt_edited)
        self.prompt.paused.connect(lambda _: self._look_at_prompt())
        self.prompt.submitted.connect(lambda: self._do(Task.GENERATE))
        self.lint.fix_wanted.connect(lambda mark: self.prompt.set_text(mark.fixed(self._text())))
        self.shots.activated.connect(self._pick_shot)
        self.characters.activated.connect(self._pick_character)
        self.generate.clicked.connect(lambda: self._do(Task.GENERATE))
        self.cancel.clicked.connect(studio.cancel)
        self.notice.fix_wanted.connect(fix)
        self.notice.dismissed.connect(studio.dismiss_notice)
        self.form.edited.connect(self._form_edited)
        self.strip.tried.connect(self._try)
        self.strip.applied.connect(lambda choice, how: studio.apply(choice, how))
        self.strip.reused.connect(self._reuse)
        self.strip.repeated.connect(self._repeat)
        self.strip.removed.connect(studio.forget)
        self.strip.wanted.connect(studio.fetch_thumbnail)
        self.apply.clicked.connect(lambda: studio.apply())
        self.hide_tried.clicked.connect(studio.hide_tried)

    # Showing.

    def refresh(self) -> None:
        """Shows the studio as it is now."""
        studio = self._studio
        sheet = studio.sheet
        self._show_library()
        choices = sheet.choices if sheet is not None else []
        self.strip.show_choices(choices, sheet.tried if sheet is not None else None)
        self.strip.setVisible(bool(choices))
        self._empty.setVisible(not choices)
        self._applying.setVisible(sheet is not None and sheet.tried is not None)
        self.notice.set_remedy(studio.current_notice)
        self._working.setVisible(studio.busy)
        self.generate.setEnabled(not studio.busy)
        for task, action in self._task_actions.items():
            reason = studio.unavailable(task)
            action.setEnabled(not reason)
            action.setToolTip(reason)
        self.state.setText(_state_words(studio.link.state, studio.link.version))
        self._show_progress()

    def _show_progress(self) -> None:
        sheet = self._studio.sheet
        job = sheet.job if sheet is not None else None
        if job is None:
            return
        self.progress.setValue(round(job.progress.fraction * 1000))
        self.words.setText(job.progress.words)
        self.words.setToolTip(job.progress.words)

    def _show_library(self) -> None:
        library = self._studio.library
        self.form.set_models(library.view.models)
        self.prompt.set_catalogue(library.view.catalogue)
        shots = [(shot.title, shot, shot.holds) for shot in library.view.catalogue.shots]
        characters = [
            (held.mention, held, held.description) for held in library.view.catalogue.characters
        ]
        self.shots.offer(shots)
        self.characters.offer(characters)
        self._show_pictures()
        self._show_picked()

    def _show_pictures(self) -> None:
        """Beside shots how they frame a person; beside characters the newest frame of theirs."""
        catalogue = self._studio.library.view.catalogue
        for shot in catalogue.shots:
            self.shots.show_picture(shot, self._framing(shot.name))
        unseen = self._framing("close-up")
        sheet = self._studio.sheet
        seen: dict[str, QtGui.QIcon] = {}
        for choice in sheet.choices if sheet is not None else ():
            named = catalogue.characters_in(choice.entry.settings.prompt)
            image = self._studio.gallery.thumbnail(choice.blob) if len(named) == 1 else None
            if image is not None:
                seen.setdefault(named[0].name, QtGui.QIcon(QtGui.QPixmap.fromImage(image)))
        for character in catalogue.characters:
            self.characters.show_picture(character, seen.get(character.name, unseen))

    def _framing(self, shot: str) -> Optional[QtGui.QIcon]:
        """The picture of a shot in the colours of now, drawn once."""
        key = (shot, self.palette().cacheKey(), self.devicePixelRatioF())
        if key not in self._framings:
            self._framings[key] = framing_picture(shot, self.palette(), key[2])
        return self._framings[key]

    def _show_picked(self) -> None:
        catalogue = self._studio.library.view.catalogue
        prompt = self._text()
        named = catalogue.characters_in(prompt)
        self.shots.pick(catalogue.shot_of(prompt))
        self.characters.pick(named[0] if named else None)

    def show_settings(self) -> None:
        """Shows the studio's settings: they were changed by something else than this panel."""
        self.form.show_settings(self._studio.settings)
        self.prompt.set_text(self._studio.settings.prompt)

    # What the painter does.

    def _text(self) -> str:
        return self.prompt.toPlainText()

    def _prompt_edited(self, text: str) -> None:
        self._studio.settings = replace(self._studio.settings, prompt=text)
        self.lint.set_marks([])
        self._show_picked()

    def _form_edited(self) -> None:
        self._studio.settings = self.form.merged_into(self._studio.settings)

    def _look_at_prompt(self) -> None:
        def told(prompt: str, marks: "list[Any]") -> None:
            if prompt == self._text():
                self.prompt.set_marks(prompt, marks)
                self.lint.set_marks(marks)

        self._studio.lint(self._text(), told)

    def _pick_shot(self, row: int) -> None:
        shot = self.shots.itemData(row)
        if isinstance(shot, Shot):
            self._rewrite(self._studio.library.view.catalogue.with_shot(self._text(), shot))

    def _pick_character(self, row: int) -> None:
        character = self.characters.itemData(row)
        if isinstance(character, Character):
            catalogue = self._studio.library.view.catalogue
            self._rewrite(catalogue.with_character(self._text(), character))

    def _rewrite(self, text: str) -> None:
        self.prompt.set_text(text)
        self.prompt.setFocus()

    def _try(self, choice: Choice) -> None:
        sheet = self._studio.sheet
        if sheet is not None:
            self._studio.try_on(sheet, choice)

    def _reuse(self, choice: Choice) -> None:
        self._studio.settings = replace(choice.entry.settings, seed=choice.seed)
        self.show_settings()

    def _repeat(self, choice: Choice) -> None:
        settings = replace(choice.entry.settings, seed=choice.entry.seed)
        self._studio.run(choice.entry.task, settings)

    def _takes_masks(self) -> bool:
        sheet = self._studio.sheet
        return sheet is not None and sheet.canvas.takes_transparency_masks


_WAYS = (
    ("Apply as layer", "layer"),
    ("Apply all as group", "group"),
    ("Apply with transparency mask", "mask"),
)


def _state_words(state: str, version: str) -> str:
    return {
        CONNECTED: f"Daemon {version} is running",
        STARTING: "Starting the daemon…",
        CONNECTING: "Looking for the daemon…",
    }.get(state, "The daemon starts with the first frame")
