"""The report of the acoustics: sections are replaced one by one, and the summary lists every target."""

from benchmarks.acoustics.findings import Finding, Target, write_report

ORDER = ("first", "second")


def finding(title, *targets):
    return Finding(title, "Text.", ("a", "b"), [["x", 1.23456]], targets)


def test_the_summary_lists_targets_of_all_sections_and_marks_missed_ones(tmp_path):
    write_report(tmp_path, "second", [finding("Speed", Target("times as fast", 12.0, 10.0, least=True))], "how", ORDER)
    write_report(tmp_path, "first", [finding("Law", Target("error, dB", 0.3, 0.1), Target("lost", 0.0, 0.0))], "how", ORDER)
    summary = (tmp_path / "results.md").read_text().split("<!--")[0]
    assert "| Law: error, dB | 0.3 **missed** | <= 0.1 |" in summary
    assert "| Law: lost | 0 | <= 0 |" in summary
    assert "| Speed: times as fast | 12 | >= 10 |" in summary
    assert summary.index("Law") < summary.index("Speed")


def test_a_section_made_again_replaces_what_it_held(tmp_path):
    for value in (0.3, 0.05):
        write_report(tmp_path, "first", [finding("Law", Target("error, dB", value, 0.1))], "how", ORDER)
    text = (tmp_path / "results.md").read_text()
    assert text.count("## Law") == 1
    assert "missed" not in text.lower()
    assert text.count("1.23 |") == 1
