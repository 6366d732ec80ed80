"""What a painter sees and presses, with the same widgets as in Krita, under the other Qt."""

from dataclasses import replace

import pytest
from framewright import Catalogue, Character, Picture, Remedy, Shot
from framewright.lint import Mark
from framewright.settings import Settings
from framewright_krita.bounds import Bounds
from framewright_krita.history import Entry, Result
from framewright_krita.order import Task
from framewright_krita.studio import Studio
from framewright_krita.widgets.panel import Panel
from paper import Desk, Paper

CATALOGUE = Catalogue(
    (Shot("close-up", "close up of", ("CU",), "the face"), Shot("long-shot", "long shot of")),
    (Character("k", "kaitoyosuke", "man"), Character("j", "jiyeonmun", "woman")),
)


@pytest.fixture
def done():
    return []


@pytest.fixture
def panel(link, done):
    studio = Studio(link, Desk(Paper()))
    panel = Panel(studio, done.append, done.append)
    studio.library.view.catalogue = CATALOGUE
    studio.changed.emit()
    panel.resize(320, 700)
    panel.show()
    yield panel
    panel.close()


def keys(panel, text):
    from framewright_krita.qt import QtCore, QtGui, QtWidgets

    for character in text:
        key = {"\n": QtCore.Qt.Key.Key_Return}.get(character, QtCore.Qt.Key.Key_A)
        for kind in (QtCore.QEvent.Type.KeyPress, QtCore.QEvent.Type.KeyRelease):
            none = QtCore.Qt.KeyboardModifier.NoModifier
            popup = panel.prompt._popup()
            target = popup if popup.isVisible() else panel.prompt
            QtWidgets.QApplication.sendEvent(target, QtGui.QKeyEvent(kind, key, none, character))


def test_typing_completes_shots_and_characters(panel, until):
    panel.activateWindow()
    panel.prompt.setFocus()
    until(panel.prompt.hasFocus)
    keys(panel, "clo")
    until(lambda: panel.prompt._popup().isVisible())
    keys(panel, "\n")
    assert panel.prompt.toPlainText() == "close up of "
    keys(panel, "kai")
    keys(panel, "\n")
    assert panel.prompt.toPlainText() == "close up of kaitoyosuke man"
    assert panel._studio.settings.prompt == "close up of kaitoyosuke man"
    assert panel.shots.currentText() == "Close up"
    assert panel.characters.currentText() == "kaitoyosuke man"


def test_pickers_rewrite_the_prompt(panel):
    panel.prompt.set_text("close up of kaitoyosuke man in a park")
    panel.shots.setCurrentIndex(1)
    panel.shots.activated.emit(1)
    panel.characters.activated.emit(1)
    assert panel.prompt.toPlainText() == "long shot of jiyeonmun woman in a park"
    panel.prompt.undo()
    assert panel.prompt.toPlainText() == "long shot of kaitoyosuke man in a park"


def test_pickers_show_how_shots_frame_and_who_characters_are(panel):
    def pictures(box):
        return [box.itemIcon(row).pixmap(box.iconSize()).toImage() for row in range(box.count())]

    close, long = pictures(panel.shots)
    assert not close.isNull() and not long.isNull() and close != long
    assert pictures(panel.characters) == [close, close], "nobody has seen them yet"
    # A frame with one of them alone is how that one looks; one with both is nobody's picture.
    results = [Result(seed, f"blob {seed}") for seed in range(2)]
    prompts = ["close up of jiyeonmun woman", "kaitoyosuke man and jiyeonmun woman in a park"]
    for prompt, result in zip(prompts, results):
        settings = Settings(prompt)
        entry = Entry("j1", Task.GENERATE, settings, 1, Bounds(0, 0, 8, 8), 8, 8, results=(result,))
        panel._studio.sheet.record(entry)
        panel._studio.gallery.put(result.blob, Picture.rgba8(8, 8, bytes([9, 99, 9, 255]) * 64))
    panel._studio.changed.emit()
    first, second = pictures(panel.characters)
    assert first == close
    assert second.pixelColor(second.rect().center()).getRgb() == (9, 99, 9, 255)


def test_findings_are_underlined_told_and_fixed(panel):
    text = "🦊 closeup of a man"
    panel.prompt.set_text(text)
    marks = [
        Mark("S501", "hint", 19, 19, "no setting is named"),
        Mark("S103", "warning", 2, 12, "say it so", "close up of", 2, 12),
    ]
    panel.prompt.set_marks(text, marks)
    panel.lint.set_marks(marks)
    (selection,) = panel.prompt.extraSelections()
    # Qt counts the fox twice.
    assert (selection.cursor.selectionStart(), selection.cursor.selectionEnd()) == (3, 13)
    assert panel.lint._words.text() == "Say it so." and panel.lint._fix.isVisible()
    panel.lint._fix.click()
    assert panel.prompt.toPlainText() == "🦊 close up of a man"
    assert panel.prompt.extraSelections() == [] and not panel.lint.isVisible()


def test_findings_about_another_text_are_dropped(panel):
    panel.prompt.set_text("a man")
    panel.prompt.set_marks("another text", [Mark("S1", "hint", 0, 3, "x")])
    assert panel.prompt.extraSelections() == []


def test_settings_are_the_studios(panel):
    panel._studio.settings = Settings("p", "n", None, 0.35, 3, 77, "noise", True)
    panel.show_settings()
    panel.form.edited.emit()
    assert panel._studio.settings == Settings("p", "n", None, 0.35, 3, 77, "noise", True)
    panel.form._random.setChecked(True)
    panel.form._strength.setValue(80)
    assert panel._studio.settings.seed is None
    assert panel._studio.settings.strength == pytest.approx(0.8)
    assert panel.form._percent.value() == 80


def test_two_passes_are_ticked_and_come_back_with_a_candidates_settings(panel):
    from framewright_krita.sheet import Choice

    panel._studio.settings = Settings("p")
    panel.show_settings()
    assert not panel.form._hires.isChecked()
    panel.form._hires.click()
    assert panel._studio.settings.hires
    made = Entry("j", Task.GENERATE, panel._studio.settings, 1, Bounds(0, 0, 8, 8), 8, 8)
    panel.form._hires.click()
    assert not panel._studio.settings.hires
    panel.strip.reused.emit(Choice(replace(made, results=(Result(1, "0" * 64),)), 0))
    assert panel.form._hires.isChecked() and panel._studio.settings.hires


def test_a_model_that_went_away_stays_chosen_and_says_so(panel):
    panel._studio.settings = Settings("p", model="mine")
    panel.show_settings()
    panel.form.set_models([])
    assert "missing" in panel.form._models.currentText()
    assert panel.form.merged_into(Settings()).model == "mine"


def test_buttons_and_keys_ask_for_a_frame(panel, done):
    panel.generate.click()
    panel.prompt.submitted.emit()
    assert done == [Task.GENERATE, Task.GENERATE]


def test_what_the_daemon_cannot_do_is_grey_and_says_why(panel):
    panel._studio.library.methods = frozenset({"frame.generate"})
    panel.refresh()
    inpaint = panel._task_actions[Task.INPAINT]
    assert not inpaint.isEnabled() and "cannot inpaint yet" in inpaint.toolTip()
    assert panel._task_actions[Task.GENERATE].isEnabled()


def test_errors_have_their_fix_beside_them(panel, done):
    panel._studio.notice = Remedy("It is broken.", "Mend it.", "retry", "Try again")
    panel.refresh()
    assert panel.notice.isVisible() and panel.notice._hint.text() == "Mend it."
    panel.notice._button.click()
    assert done == ["retry"]
    panel._studio.dismiss_notice()
    assert not panel.notice.isVisible()


@pytest.mark.parametrize("width", [250, 320, 500])
def test_no_text_is_cut_off(panel, width, until):
    from framewright_krita.qt import QtWidgets

    panel._studio.notice = Remedy("A message that is rather long. " * 2, "A hint. " * 9, "x", "Do")
    panel.prompt.set_text("a man")
    panel.lint.set_marks([Mark("S1", "hint", 0, 5, "a reason of many words " * 5, "x", 0, 5)])
    panel.refresh()
    panel.resize(width, 900)
    until(lambda: panel.width() == width or panel.minimumSizeHint().width() > width)
    assert panel.minimumSizeHint().width() <= 320
    for label in panel.findChildren(QtWidgets.QLabel):
        if label.isVisible() and label.text() and label.wordWrap():
            assert label.height() >= label.heightForWidth(label.width()) - 1, label.text()
    for button in panel.findChildren(QtWidgets.QPushButton):
        if button.isVisible():
            assert button.width() >= button.fontMetrics().horizontalAdvance(button.text())
