"""Files of any origin: encodings, line ends, and what is no file."""

import os

import pytest

from nnks.geometries.files import is_path, lines_of
from nnks.molecule import Molecule
from nnks.registry import InputError
from nnks.textfiles import LARGEST
from nnks.textfiles import read_text as read_any


def read_text(path):
    return read_any(path, "system.molecule", "an xyz file")


TEXT = "2\nmolécule\nH 0 0 0\nF 0 0 0.9168\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "cp1252", "cp850"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_do_no_harm(encoding, end, tmp_path):
    path = tmp_path / "hf.xyz"
    path.write_bytes(TEXT.replace("\n", end).encode(encoding))
    assert Molecule.from_spec(str(path)).symbols == ("H", "F")


def test_byte_order_marks_of_both_kinds_are_read(tmp_path):
    path = tmp_path / "hf.xyz"
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        path.write_bytes(mark + TEXT.encode(encoding))
        assert read_text(str(path)) == TEXT
    assert Molecule.from_spec("\ufeffH 0 0 0; F 0 0 0.9").symbols == ("H", "F")


def test_other_whitespace_separates_fields_and_ends_no_line(tmp_path):
    path = tmp_path / "hf.xyz"
    path.write_text("2\na\x0cb\x85c\u2028d\nH\xa00\t0  0\x0c\nF 0\x0b0 0.9\n\x0c\n", encoding="utf-8")
    assert Molecule.from_spec(str(path)).symbols == ("H", "F")
    assert lines_of("\ufeffa\x85\x0cb\r\nc\rd\ne") == ["a\x85\x0cb", "c", "d", "e"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\xff\xfe\x00", "cannot be read .*expected an xyz file in plain text"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", r"line 1 of .* is '\\x89PNG'; expected the number of atoms"),
        (TEXT.encode("utf-16-le"), "line 1 of .*expected the number of atoms"),
        (b"\x00" * 1000, "line 1 of .*expected the number of atoms"),
        (b"2\n\nH 0 0 0\n" + b" " * LARGEST, "cannot be read .it is larger than 4 MB"),
    ],
)
def test_what_is_no_xyz_file_is_refused(data, message, tmp_path):
    path = tmp_path / "given.xyz"
    path.write_bytes(data)
    check_refused(str(path), message)


def check_refused(spec, message):
    with pytest.raises(InputError, match=message) as error:
        Molecule.from_spec(spec)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 400


def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path):
    (tmp_path / "folder.xyz").mkdir()
    os.mkfifo(tmp_path / "pipe.xyz")
    (tmp_path / "zero.xyz").symlink_to("/dev/zero")
    (tmp_path / "loop.xyz").symlink_to(tmp_path / "loop.xyz")
    check_refused(str(tmp_path / "folder.xyz"), "cannot be read .it is a folder")
    check_refused(str(tmp_path / "pipe.xyz"), "cannot be read .it is not a regular file")
    check_refused(str(tmp_path / "zero.xyz"), "cannot be read .it is not a regular file")
    check_refused(str(tmp_path / "loop.xyz"), "cannot be read .Too many levels of symbolic links")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path):
    path = tmp_path / "closed.xyz"
    path.write_text(TEXT)
    path.chmod(0)
    check_refused(str(path), "cannot be read .Permission denied")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nowhere.xyz", "'nowhere.xyz', which does not exist.*taken relative to"),
        ("a\x00b.xyz", "cannot be read"),
        ("\ud800.xyz", "cannot be read|does not exist"),
        ("x" * 5000 + ".xyz", "cannot be read .File name too long"),
        ("~nobody-at-all/a.xyz", "cannot be read|does not exist"),
        ("a" * 100 + "/" * 5000 + "b.xyz", "cannot be read|does not exist"),
        ("\x1b[31m.xyz", "does not exist"),
    ],
)
def test_paths_of_no_file_are_refused(spec, message):
    check_refused(spec, message)


def test_a_deleted_working_folder_is_no_matter(tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    check_refused("nowhere.xyz", "does not exist; expected an xyz file; check the path\\.$")


def test_a_path_is_one_line_that_ends_in_xyz():
    assert is_path(" a folder/b.XYZ\n")
    assert not is_path("1\n\nHe 0 0 0 from a.xyz")
    assert not is_path("water")
