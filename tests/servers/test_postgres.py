"""The PostgreSQL of the tests."""

from __future__ import annotations

import sqlalchemy as sa

from tests.servers.postgres import PostgresServer


def test_every_test_gets_an_empty_database_of_its_own(postgres_server: PostgresServer) -> None:
    for _ in range(2):
        with postgres_server.database() as url:
            engine = sa.create_engine(url)
            with engine.begin() as connection:
                connection.execute(sa.text("CREATE TABLE complaint (text text)"))
                connection.execute(sa.text("INSERT INTO complaint VALUES ('断网三天')"))
                assert connection.scalar(sa.text("SELECT text FROM complaint")) == "断网三天"
            engine.dispose()


def test_a_template_is_prepared_once_and_copied_for_every_database(postgres_server: PostgresServer) -> None:
    prepared: list[str] = []

    def migrate(url: str) -> None:
        prepared.append(url)
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE ticket (number text)"))
        engine.dispose()

    for _ in range(2):
        with postgres_server.database(postgres_server.template("with_ticket", migrate)) as url:
            engine = sa.create_engine(url)
            with engine.begin() as connection:
                assert connection.scalar(sa.text("SELECT count(*) FROM ticket")) == 0
                connection.execute(sa.text("INSERT INTO ticket VALUES ('A1')"))
            engine.dispose()
    assert len(prepared) == 1


def test_a_database_with_an_open_connection_is_dropped_all_the_same(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        engine = sa.create_engine(url)
        connection = engine.connect()
        assert connection.scalar(sa.text("SELECT 1")) == 1
    with postgres_server.database() as other:
        assert other != url
    connection.invalidate()
    connection.close()
    engine.dispose()


def test_the_fixture_hands_out_a_url_that_sqlalchemy_opens(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        version = connection.scalar(sa.text("SHOW server_version"))
    engine.dispose()
    assert str(version).startswith("18")
