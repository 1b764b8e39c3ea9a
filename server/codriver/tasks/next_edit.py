"""The likely next place of an edit: the same name elsewhere, the same change at another call. Deterministic, no model.

For fronts: `Completer.next_edits(snapshot, *, owner) -> list[Suggestion]` (tasks/complete.py), best first, [] for
nothing. Each replaces bytes [start, end) of that snapshot by `text`, anywhere in it: the editor jumps there. Its fate is
told by its `decision` like any suggestion's.
"""
