"""Readers of scene files and scene collections: glTF, PLY, OBJ, annotations. May import: scene, config, errors."""
