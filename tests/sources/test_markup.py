"""Tables in web pages and XML."""

from __future__ import annotations

import pytest

from eclaireur.sources import markup
from eclaireur.sources.refusals import RefusedError


def cells(page: str, encoding: str = "utf-8") -> list[list[str]]:
    found, _ = markup.parse(page.encode(encoding))
    return [found.header, *found.rows]


def test_a_page_without_closing_tags_is_read_and_scripts_are_not() -> None:
    page = "<html><script>x='<td>'</script><table><tr><th>Ville<th>Nb<tr><td>Évreux<td>1 234</table>"
    assert cells(page) == [["Ville", "Nb"], ["Évreux", "1 234"]]


def test_what_a_cell_spans_is_repeated_on_each_of_its_rows_and_columns() -> None:
    page = (
        "<table><tr><th>a<th>b<th>c<tr><td rowspan=3>x<td>1<td>2<tr><td colspan=2>3<tr><td>4<td>5"
        "<tr><td>y<td>6<td>7</table>"
    )
    assert cells(page)[1:] == [["x", "1", "2"], ["x", "3", "3"], ["x", "4", "5"], ["y", "6", "7"]]


def test_the_largest_table_is_read_and_the_others_are_said() -> None:
    small = "<table><tr><td>menu<tr><td>aide</table>"
    large = "<table><tr><th>a<th>b<tr><td>1<td>2<tr><td>3<td>4</table>"
    found, doubts = markup.parse(f"<html>{small}{large}".encode())
    assert found.header == ["a", "b"]
    assert [doubt.kind for doubt in doubts] == ["sheet"]


def test_records_of_xml_give_their_fields_by_path_with_their_lines() -> None:
    first = "<e id='1'><nom>Zoé</nom><a><cp>01000</cp></a></e>"
    text = "<?xml version='1.0' encoding='{}'?>\n<liste>\n" + first + "\n<e id='2'/></liste>"
    found, _ = markup.parse(text.format("iso-8859-1").encode("latin-1"))
    assert found.header == ["id", "nom", "a.cp"]
    assert found.rows == [["1", "Zoé", "01000"], ["2", "", ""]]
    assert found.lines == [3, 4]


def test_a_declared_encoding_that_the_bytes_deny_is_said() -> None:
    text = "<?xml version='1.0' encoding='iso-8859-1'?><l><e><n>Zoé</n></e><e><n>a</n></e></l>"
    found, doubts = markup.parse(text.encode())
    assert found.rows == [["Zoé"], ["a"]]
    assert [doubt.kind for doubt in doubts] == ["encoding"]


def test_a_workbook_in_xml_of_2003_is_read_with_its_gaps() -> None:
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    row = "<Row><Cell><Data>{}</Data></Cell><Cell ss:Index='3'><Data>{}</Data></Cell></Row>"
    inner = row.format("a", "c") + row.format("1", "3") + row.format("4", "6")
    sheet = f"<Worksheet><Table>{inner}</Table></Worksheet>"
    text = f"<?xml version='1.0'?><Workbook xmlns:ss='{space}'>{sheet}</Workbook>"
    assert cells(text) == [["a", "", "c"], ["1", "", "3"], ["4", "", "6"]]


@pytest.mark.parametrize("page", ["<html><p>rien</p>", "<x>texte</x>"])
def test_markup_without_a_table_is_refused(page: str) -> None:
    with pytest.raises(RefusedError, match="tableau"):
        markup.parse(page.encode())
