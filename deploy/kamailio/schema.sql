-- Users and domains. SQLite, PostgreSQL and MariaDB take it as it is.

-- What Kamailio's modules ask before they use a table.
CREATE TABLE version (table_name VARCHAR(32) PRIMARY KEY, table_version INTEGER NOT NULL DEFAULT 0);
INSERT INTO version VALUES ('domain', 2), ('domain_attrs', 1);

-- The domains served. `policy` is graceful, duplicate or normal; `device_limit` 0 is no limit. With `devices`
-- on each device of a user is authorised by the account service, and `shared_slot` says what in place of the
-- policy a second browser or desktop does: ask, or override. `mobile_limit` and `deskphone_limit` are devices of
-- a user that may be authorised; NULL is what the account service says.
CREATE TABLE domain (
    domain VARCHAR(64) PRIMARY KEY,
    did VARCHAR(64),
    last_modified TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:01',
    policy VARCHAR(16) NOT NULL DEFAULT 'graceful' CHECK (policy IN ('graceful', 'duplicate', 'normal')),
    device_limit INTEGER NOT NULL DEFAULT 0,
    devices VARCHAR(3) NOT NULL DEFAULT 'off' CHECK (devices IN ('on', 'off')),
    shared_slot VARCHAR(8) NOT NULL DEFAULT 'ask' CHECK (shared_slot IN ('ask', 'override')),
    mobile_limit INTEGER,
    deskphone_limit INTEGER
);
CREATE TABLE domain_attrs (
    did VARCHAR(64) NOT NULL,
    name VARCHAR(32) NOT NULL,
    type INTEGER NOT NULL,
    value VARCHAR(255) NOT NULL,
    last_modified TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:01'
);

-- The users. No passwords: HA1 = hash(auth_username:domain:password), which add-user makes.
-- Without `ha1` a user can log in with SHA-256 only. NULL in `policy`, the limits, `devices` and
-- `shared_slot` is what the domain says; in `unique_account`, whether a call rings where the user has it or
-- at every binding, it is what `devices` says.
CREATE TABLE subscriber (
    username VARCHAR(64) NOT NULL,
    domain VARCHAR(64) NOT NULL,
    auth_username VARCHAR(64),
    ha1_sha256 VARCHAR(64) NOT NULL,
    ha1 VARCHAR(32),
    policy VARCHAR(16) CHECK (policy IN ('graceful', 'duplicate', 'normal')),
    device_limit INTEGER,
    devices VARCHAR(3) CHECK (devices IN ('on', 'off')),
    shared_slot VARCHAR(8) CHECK (shared_slot IN ('ask', 'override')),
    unique_account VARCHAR(3) CHECK (unique_account IN ('on', 'off')),
    mobile_limit INTEGER,
    deskphone_limit INTEGER,
    PRIMARY KEY (username, domain)
);
