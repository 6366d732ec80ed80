"""How a frame is made: model, strength, candidates, seed, fill, passes."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

from framewright import Model
from framewright.settings import FILLS, Settings

from ..qt import QtCore, QtWidgets
from . import theme

_FILL_WORDS = {
    "blur": "Blurred surroundings",
    "border": "Colours of the border",
    "neutral": "Neutral grey",
    "original": "What is there",
    "noise": "Noise",
}
_LARGEST_SEED = (1 << 31) - 1


class SettingsForm(QtWidgets.QWidget):
    """Shows and changes everything of `Settings` but the prompt."""

    edited = QtCore.pyqtSignal()
    """The painter changed something."""

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._setting = False
        self._model: Optional[str] = None
        self._negative = QtWidgets.QLineEdit()
        self._negative.setPlaceholderText("What to keep out")
        self._models = QtWidgets.QComboBox()
        self._models.setSizeAdjustPolicy(_short())
        self._strength = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self._strength.setRange(1, 100)
        self._strength.setToolTip(
            "How far to go from what the canvas shows; 100% starts from nothing"
        )
        self._percent = QtWidgets.QSpinBox()
        self._percent.setRange(1, 100)
        self._percent.setSuffix(" %")
        self._candidates = QtWidgets.QSpinBox()
        self._candidates.setRange(1, 16)
        self._seed = QtWidgets.QSpinBox()
        self._seed.setRange(0, _LARGEST_SEED)
        self._random = QtWidgets.QCheckBox("Random")
        self._random.setToolTip("A new seed for each request")
        self._fill = QtWidgets.QComboBox()
        self._fill.setSizeAdjustPolicy(_short())
        self._fill.setToolTip("What a selection is filled with before it is painted anew")
        for fill in FILLS:
            self._fill.addItem(_FILL_WORDS[fill], fill)
        self._hires = QtWidgets.QCheckBox("Draw in two passes")
        self._hires.setToolTip(
            "Lays a frame out small, enlarges it and draws it over (hires fix): finer, and twice "
            "as wide and high, in three to five times the time. For frames from the prompt alone: "
            "Generate at a strength of 100%"
        )
        self._lay_out()
        self._connect()
        self.show_settings(Settings())

    def _lay_out(self) -> None:
        form = QtWidgets.QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(theme.WIDE_GAP)
        form.setVerticalSpacing(theme.GAP)
        form.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(
            QtCore.Qt.AlignmentFlag.AlignLeft | QtCore.Qt.AlignmentFlag.AlignVCenter
        )
        for box in (self._models, self._fill):
            box.setSizePolicy(
                QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed
            )
        form.addRow("Without", self._negative)
        form.addRow("Model", self._models)
        form.addRow("Strength", _row(self._strength, self._percent))
        form.addRow("Candidates", self._candidates)
        form.addRow("Seed", _row(self._seed, self._random))
        form.addRow("Fill", self._fill)
        form.addRow("", self._hires)

    def _connect(self) -> None:
        self._strength.valueChanged.connect(self._percent.setValue)
        self._percent.valueChanged.connect(self._strength.setValue)
        self._random.toggled.connect(self._seed.setDisabled)
        for box in (self._random, self._hires):
            box.toggled.connect(self._tell)
        for spin in (self._percent, self._candidates, self._seed):
            spin.valueChanged.connect(self._tell)
        for box in (self._models, self._fill):
            box.currentIndexChanged.connect(self._tell)
        self._negative.textEdited.connect(self._tell)

    def set_models(self, models: Sequence[Model]) -> None:
        """Offers these models; the one that is chosen stays, also when it went away."""
        self._setting = True
        self._models.clear()
        names = [model.name for model in models]
        for model in models:
            label = f"{model.name} (default)" if model.default else model.name
            self._models.addItem(label, None if model.default else model.name)
        if not models:
            self._models.addItem("The daemon's default", None)
        if self._model is not None and self._model not in names:
            self._models.addItem(f"{self._model} (missing)", self._model)
        self._models.setCurrentIndex(max(self._models.findData(self._model), 0))
        self._setting = False

    def show_settings(self, settings: Settings) -> None:
        """Shows what is set."""
        self._setting = True
        self._model = settings.model
        self._negative.setText(settings.negative_prompt)
        self._strength.setValue(round(settings.strength * 100))
        self._candidates.setValue(settings.candidates)
        self._random.setChecked(settings.seed is None)
        self._seed.setDisabled(settings.seed is None)
        seed = settings.seed if settings.seed is not None else random.randrange(_LARGEST_SEED)
        self._seed.setValue(min(seed, _LARGEST_SEED))
        self._fill.setCurrentIndex(max(self._fill.findData(settings.fill), 0))
        self._hires.setChecked(settings.hires)
        self._models.setCurrentIndex(max(self._models.findData(settings.model), 0))
        self._setting = False

    def merged_into(self, settings: Settings) -> Settings:
        """`settings` with what is shown here."""
        return replace(
            settings,
            negative_prompt=self._negative.text(),
            model=self._models.currentData(),
            strength=self._strength.value() / 100,
            candidates=self._candidates.value(),
            seed=None if self._random.isChecked() else self._seed.value(),
            fill=self._fill.currentData(),
            hires=self._hires.isChecked(),
        )

    def _tell(self) -> None:
        if not self._setting:
            self._model = self._models.currentData()
            self.edited.emit()


def _short() -> QtWidgets.QComboBox.SizeAdjustPolicy:
    # A long name must not make the docker wider than the painter wants it.
    return QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon


def _row(first: QtWidgets.QWidget, second: QtWidgets.QWidget) -> QtWidgets.QHBoxLayout:
    row = QtWidgets.QHBoxLayout()
    row.setSpacing(theme.GAP)
    row.addWidget(first, 1)
    row.addWidget(second)
    return row
