from tasks.rendering.columns import Column
from tasks.rendering.table import Table

COLUMNS = [
    Column("student_id", "Id do aluno", "identifier", audience="programs"),
    Column("student", "Aluno"),
    Column("codes", "Códigos", labels={"a": "A"}, audience="programs"),
    Column("mean", "Média", "decimal"),
]
ROWS = [(7, "Ana", "a", 5), (8, "Bia", None, None)]


def test_table_for_programs_has_all_columns():
    table = Table("T", COLUMNS, iter(ROWS))

    assert table.for_audience("programs") is table


def test_table_for_people_has_no_columns_for_programs():
    table = Table("T", COLUMNS, iter(ROWS)).for_audience("people")

    assert [column.name for column in table.columns] == ["student", "mean"]
    assert list(table.rows) == [("Ana", 5), ("Bia", None)]


def test_table_for_people_reads_rows_one_by_one():
    read_rows = []

    def rows():
        for row in ROWS:
            read_rows.append(row)
            yield row

    table = Table("T", COLUMNS, rows()).for_audience("people")

    assert read_rows == []
    assert next(table.rows) == ("Ana", 5)
    assert read_rows == ROWS[:1]


def test_table_without_columns_for_programs_is_the_same_for_people():
    table = Table("T", [Column("student", "Aluno")], iter([("Ana",)]))

    assert table.for_audience("people") is table
