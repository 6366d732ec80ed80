"""A board that is made in Blender, from a scene in plain words."""

import bpy
import pytest

SCENE = "A woman finds a letter in a dusty library. She reads it at the window. Soft daylight."


def test_a_board_is_made_from_a_scene(scene, folder, idle, studio, part, client):
    made = bpy.ops.framewright.new_board(name=" letter ", scene_text=f" {SCENE} ", frames=3)
    assert made == {"FINISHED"}
    assert scene.framewright.board == "//letter", "it is chosen, by a path from the file on"
    idle()
    assert "no character" in studio().notice.message, "what the planner remarks is told"
    board = studio().board_of(scene)
    assert board.path == str(folder / "letter") and board.scene == SCENE
    assert len(board.frames) == 3 and board.missing == 3 * board.candidates
    assert all(frame.prompt and frame.shot for frame in board.frames)
    told = client.call("board.open", path=board.path)
    assert [frame["prompt"] for frame in told["frames"]] == [each.prompt for each in board.frames]
    assert part("places").boards_nearby() == [board.path], "the menu lists it"
    assert bpy.ops.framewright.insert_board(start=1) == {"FINISHED"}
    # A second one: the newest is chosen, and the menu has both.
    bpy.ops.framewright.new_board(name="answer", scene_text="A man writes a letter at night.")
    idle()
    assert studio().board_of(scene).path == str(folder / "answer")
    assert studio().board_of(scene).frames, "the planner has chosen how many"
    assert part("places").boards_nearby() == [str(folder / "answer"), board.path]


def test_a_folder_with_other_things_in_it_becomes_a_board(scene, folder, idle, studio):
    (folder / "letter").mkdir()
    (folder / "letter" / "notes.txt").write_text("mine")
    bpy.ops.framewright.new_board(name="letter", scene_text=SCENE)
    idle()
    assert studio().board_of(scene).frames
    assert (folder / "letter" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("letter", " ", "The scene is empty"),
        ("", SCENE, "no name for a folder"),
        ("..", SCENE, "no name for a folder"),
        ("../letter", SCENE, "no name for a folder"),
        ("taken", SCENE, "There is a board of this name"),
    ],
)
def test_what_makes_no_board_is_said(scene, folder, idle, studio, client, name, text, words):
    client.call("board.new", path=str(folder / "taken"), scene="a man waits")
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.framewright.new_board(name=name, scene_text=text)
    idle()
    assert scene.framewright.board == "", "nothing is chosen"
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["taken"]
    assert client.call("board.open", path=str(folder / "taken"))["scene"] == "a man waits"


def test_a_file_that_was_never_saved_has_no_place_for_boards():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with pytest.raises(RuntimeError, match="never saved.*[Ss]ave it first"):
        bpy.ops.framewright.new_board(name="letter", scene_text=SCENE)


def test_a_file_where_the_folder_should_be_is_told(folder, idle, studio):
    (folder / "letter").write_text("a file")
    bpy.ops.framewright.new_board(name="letter", scene_text=SCENE)
    idle()
    notice = studio().notice
    assert notice is not None and "letter" in notice.message + notice.hint
    (folder / "letter").unlink()
    bpy.ops.framewright.fix(what="retry")
    idle()
    assert studio().boards[str(folder / "letter")].frames
