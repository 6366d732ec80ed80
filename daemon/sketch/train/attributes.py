"""What a scene shows, as class numbers, and which of it a caption or an image tells."""

from __future__ import annotations

from dataclasses import dataclass, field

UNKNOWN = -100  # cross entropy leaves these out
PERSON = ("class", "hair", "hair_length", "top", "trousers", "pose", "mood", "held", "facing")
# A part must cover this many pixels of the image to be told from it.
VISIBLE = 12


@dataclass
class Attributes:
    """Class numbers of every attribute value, in the order in which they were first seen."""

    values: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, scenes: list[dict]) -> Attributes:
        seen: dict[str, set[str]] = {}
        for scene in scenes:
            for name, value in cls.truth(scene).items():
                seen.setdefault(name, set()).add(value)
        # Both people share one list, so that a rare value of the second does not matter.
        for name in [n for n in seen if n[-1] == "1"]:
            seen[name] |= seen[name[:-1] + "0"]
            seen[name[:-1] + "0"] |= seen[name]
        return cls({name: sorted(values) for name, values in sorted(seen.items())})

    @staticmethod
    def people(scene: dict) -> list[dict]:
        return sorted(
            scene["people"], key=lambda p: ("left", "centre", "right").index(p["position"])
        )

    @classmethod
    def truth(cls, scene: dict) -> dict[str, str]:
        people = cls.people(scene)
        facts = {"setting": scene["setting"], "light": scene["light"], "count": str(len(people))}
        if len(people) == 1:
            facts["position"] = people[0]["position"]
        for slot, person in enumerate(people[:2]):
            for name in PERSON:
                facts[f"{name}.{slot}"] = str(person.get(name))
        return facts

    def number(self, name: str, value: str) -> int:
        values = self.values[name]
        return values.index(value) if value in values else UNKNOWN

    def of_image(self, scene: dict) -> dict[str, int]:
        facts = self.truth(scene)
        for slot, person in enumerate(self.people(scene)[:2]):
            visible = person.get("visible") or {}
            for part, needed in (
                ("hair", "hair"),
                ("hair_length", "hair"),
                ("top", "top"),
                ("trousers", "trousers"),
                ("mood", "head"),
                ("held", "held"),
                ("class", "head"),
            ):
                if visible and visible.get(needed, 0) < VISIBLE and person.get(part) is not None:
                    facts.pop(f"{part}.{slot}", None)
        return {name: self.number(name, value) for name, value in facts.items()}

    def of_caption(self, scene: dict, caption: str) -> dict[str, int]:
        """Only what the caption says in so many words."""
        truth = self.truth(scene)
        clauses = caption.split(";") if len(scene["people"]) == 2 else [caption]
        told = {"count": truth["count"]}
        for name in ("setting", "light"):
            if truth[name] in caption:
                told[name] = truth[name]
        if "position" in truth and (f"the {truth['position']}" in caption):
            told["position"] = truth["position"]
        if len(clauses) == len(scene["people"]):
            for slot, (person, clause) in enumerate(zip(self.people(scene), clauses, strict=True)):
                words = clause.replace(",", " ").split()
                for name, phrase in (
                    ("class", person["class"]),
                    ("pose", person["pose"]),
                    ("mood", person["mood"]),
                    ("held", person.get("held")),
                ):
                    if phrase in words:
                        told[f"{name}.{slot}"] = str(person.get(name))
                for name, noun in (("hair", "hair"), ("top", "top"), ("trousers", "trousers")):
                    if f"{person[name]} {noun}" in clause:
                        told[f"{name}.{slot}"] = person[name]
                if person.get("hair_length", "?") in words:
                    told[f"hair_length.{slot}"] = person["hair_length"]
                if "facing" in words or "behind" in words:
                    told[f"facing.{slot}"] = str(person.get("facing"))
        return {
            name: self.number(name, value) for name, value in told.items() if name in self.values
        }
