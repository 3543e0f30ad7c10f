import numpy as np

from scenes.polygon import Rect, area, contains, covers, inset, outline, rectangles

L = [Rect(0, 0, 4, 2), Rect(0, 2, 2, 5)]


def test_outline_of_an_l_has_its_six_corners():
    corners = {tuple(p) for p in outline(L)}
    assert corners == {(0, 0), (4, 0), (4, 2), (2, 2), (2, 5), (0, 5)}


def test_outline_merges_straight_sides():
    assert len(outline([Rect(0, 0, 1, 1), Rect(1, 0, 3, 1)])) == 4


def test_inset_moves_every_side_inwards():
    # 4 x 2 and 2 x 3 without 0.5 all round: 3 x 1 and 1 x 3.
    small = inset(outline(L), 0.5)
    assert np.isclose(area(small), 3 * 1 + 1 * 3)
    assert {tuple(p) for p in small} == {(0.5, 0.5), (3.5, 0.5), (3.5, 1.5), (1.5, 1.5), (1.5, 4.5), (0.5, 4.5)}


def test_rectangles_cover_the_polygon_once():
    parts = rectangles(outline(L))
    assert np.isclose(sum(r.area for r in parts), 4 * 2 + 2 * 3)


def test_contains_knows_the_notch():
    inside = contains(outline(L), np.array([[1, 1], [3, 1], [1, 4], [3, 4], [-1, 1], [5, 1]]))
    assert inside.tolist() == [True, True, True, False, False, False]


def test_covers_refuses_a_rectangle_across_the_notch():
    assert covers(outline(L), Rect(0.1, 0.1, 3.9, 1.9))
    assert not covers(outline(L), Rect(1.0, 1.0, 3.0, 3.0))
    assert not covers(outline(L), Rect(-0.5, 0.5, 1.0, 1.0))
