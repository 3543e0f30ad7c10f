"""The report of sound: sections are replaced one by one, and its summary tells every promise that stands in it."""

from benchmarks.acoustics.findings import Finding, Promise, write_report

ORDER = ("first", "second")


def finding(title, *promises):
    return Finding(title, "Text.", ("a", "b"), [["x", 1.23456]], promises)


def test_the_summary_lists_promises_of_all_sections_and_marks_broken_ones(tmp_path):
    write_report(tmp_path, "second", [finding("Speed", Promise("times as fast", 12.0, 10.0, least=True))], "how", ORDER)
    write_report(tmp_path, "first", [finding("Law", Promise("error, dB", 0.3, 0.1), Promise("lost", 0.0, 0.0))], "how", ORDER)
    summary = (tmp_path / "results.md").read_text().split("<!--")[0]
    assert "| Law: error, dB | 0.3 **broken** | <= 0.1 |" in summary
    assert "| Law: lost | 0 | <= 0 |" in summary
    assert "| Speed: times as fast | 12 | >= 10 |" in summary
    assert summary.index("Law") < summary.index("Speed")


def test_a_section_made_again_replaces_what_it_held(tmp_path):
    for value in (0.3, 0.05):
        write_report(tmp_path, "first", [finding("Law", Promise("error, dB", value, 0.1))], "how", ORDER)
    text = (tmp_path / "results.md").read_text()
    assert text.count("## Law") == 1
    assert "broken" not in text.lower()
    assert text.count("1.23 |") == 1
