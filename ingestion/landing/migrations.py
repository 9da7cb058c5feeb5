"""The ledger's tables, as the scripts that made them: each takes the ledger from one version to the next."""

from __future__ import annotations

# Version 1: what was loaded, where each stream goes on, what is published.
_FIRST = """
create table counters (
    name text primary key,
    value integer not null
);
insert into counters (name, value) values ('load_seq', 0), ('visible_seq', 0);

create table cursors (
    source text not null,
    stream text not null,
    cursor text not null,
    revision integer not null,
    primary key (source, stream)
);

create table loads (
    load_id text primary key,
    load_seq integer not null unique,
    source text not null,
    stream text not null,
    state text not null check (state in ('recorded', 'visible', 'pending', 'discarded')),
    visible_seq integer unique,
    file text,
    bytes integer not null,
    sha256 text,
    pulled integer not null check (pulled = landed + quarantined),
    landed integer not null check (landed >= 0 and (landed > 0) = (file is not null)),
    quarantined integer not null check (quarantined >= 0 and (quarantined > 0) = (quarantine_file is not null)),
    quarantine_file text,
    quarantine_sha256 text,
    extra_fields text not null,
    watermark_at text,
    started_at text not null,
    ended_at text,
    run_id text,
    candidate text,
    cursor_before text,
    cursor_revision integer,
    check (state not in ('visible', 'pending') or visible_seq is not null),
    check (state <> 'pending' or candidate is not null)
);
create index loads_of_stream on loads (stream, source, state);
create index loads_of_candidate on loads (candidate) where candidate is not null;

create table versions (
    version integer primary key,
    candidate text not null unique,
    file text not null,
    sha256 text not null,
    state text not null check (state in ('current', 'past')),
    published_at text not null
);
create unique index versions_current on versions (state) where state = 'current';

create table pin (
    one integer primary key check (one = 1),
    version integer not null references versions (version),
    pinned_at text not null
);
"""

# Version 2: rows that leave quarantine, what people mended in them, and cursors of their own for back-fills.
# A replay pulls nothing, lands n rows and takes n out of quarantine: pulled = landed + quarantined, 0 = n - n.
_MENDING = """
create table loads_2 (
    load_id text primary key,
    load_seq integer not null unique,
    source text not null,
    stream text not null,
    state text not null check (state in ('recorded', 'visible', 'pending', 'discarded')),
    visible_seq integer unique,
    file text,
    bytes integer not null,
    sha256 text,
    pulled integer not null check (pulled >= 0 and pulled = landed + quarantined),
    landed integer not null check (landed >= 0 and (landed > 0) = (file is not null)),
    quarantined integer not null check ((quarantined > 0) = (quarantine_file is not null)),
    quarantine_file text,
    quarantine_sha256 text,
    extra_fields text not null,
    watermark_at text,
    started_at text not null,
    ended_at text,
    run_id text,
    candidate text,
    cursor_name text not null default '',
    cursor_before text,
    cursor_revision integer,
    check (quarantined >= 0 or pulled = 0),
    check (state not in ('visible', 'pending') or visible_seq is not null),
    check (state <> 'pending' or candidate is not null)
);
insert into loads_2 (load_id, load_seq, source, stream, state, visible_seq, file, bytes, sha256, pulled, landed,
    quarantined, quarantine_file, quarantine_sha256, extra_fields, watermark_at, started_at, ended_at, run_id,
    candidate, cursor_before, cursor_revision)
select load_id, load_seq, source, stream, state, visible_seq, file, bytes, sha256, pulled, landed,
    quarantined, quarantine_file, quarantine_sha256, extra_fields, watermark_at, started_at, ended_at, run_id,
    candidate, cursor_before, cursor_revision
from loads;
drop table loads;
alter table loads_2 rename to loads;
create index loads_of_stream on loads (stream, source, state);
create index loads_of_candidate on loads (candidate) where candidate is not null;

create table cursors_2 (
    source text not null,
    stream text not null,
    name text not null default '',
    cursor text not null,
    revision integer not null,
    primary key (source, stream, name)
);
insert into cursors_2 (source, stream, cursor, revision) select source, stream, cursor, revision from cursors;
drop table cursors;
alter table cursors_2 rename to cursors;

create table replays (
    replay_of text not null,
    row integer not null,
    load_id text not null,
    primary key (replay_of, row)
) without rowid;
create index replays_of_load on replays (load_id);

create table fixes (
    fix_id integer primary key,
    load_id text not null,
    row integer not null,
    fields text not null,
    author text not null,
    fixed_at text not null
);
create index fixes_of_row on fixes (load_id, row);
"""

# Version 3: files that were written anew (a person left, keys changed), and the source files kept for replay.
_REWRITING = """
insert into counters (name, value) values ('rewrite', 0);

create table replaced (
    file text primary key,
    load_id text not null,
    why text not null,
    rows integer not null,
    sha256 text not null,
    by_file text not null,
    by_sha256 text not null,
    at text not null
) without rowid;
create index replaced_why on replaced (why);

create table originals (
    stream text not null,
    source text not null,
    content text not null,
    load_id text not null,
    name text not null,
    bytes integer not null,
    kept_at text not null,
    primary key (stream, source, content, load_id)
) without rowid;
"""

# Version 4: small files that were merged into a larger one, until nobody can be reading them.
_MERGING = """
create table merged (
    file text primary key,
    by_file text not null,
    merged_at text not null
) without rowid;
"""

# Version 5: what kinds of values a source's fields have held, each with the first load that had one of them.
_KINDS = """
create table kinds (
    source text not null,
    stream text not null,
    field text not null,
    kind text not null,
    load_id text not null,
    primary key (source, stream, field, kind)
) without rowid;
"""

# Version 6: rows of quarantine that people closed, and why the others were refused when they were last tried.
_DISMISSING = """
create table dismissals (
    load_id text not null,
    row integer not null,
    why text not null,
    author text not null,
    dismissed_at text not null,
    primary key (load_id, row)
) without rowid;

create table refusals (
    load_id text not null,
    row integer not null,
    field text not null,
    reason text not null,
    primary key (load_id, row, field, reason)
) without rowid;
"""

# To change the ledger, append a script: what stands above it has already run in somebody's workspace.
MIGRATIONS = (_FIRST, _MENDING, _REWRITING, _MERGING, _KINDS, _DISMISSING)
