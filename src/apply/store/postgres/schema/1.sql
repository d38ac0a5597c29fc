-- A user who may not make schemas works in one that was made beforehand.
DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'entitle') THEN
    CREATE SCHEMA entitle;
  END IF;
END $$;

CREATE TABLE entitle.version (
  major int NOT NULL,
  minor int NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (major, minor)
);

-- One row per account. The epoch never shrinks and no row is ever deleted. The first two order lines that are about a run
-- as a whole, or about nobody knows which account. Free space in each page, since a renewal writes the row anew.
CREATE TABLE entitle.lease (
  account text PRIMARY KEY,
  epoch bigint NOT NULL DEFAULT 0,
  holder text,
  token text,
  since timestamptz,
  until timestamptz
) WITH (fillfactor = 50);
INSERT INTO entitle.lease (account) VALUES ('runs'), ('unknown');

-- The very lines of a journal file, checksum and all: jsonb would change their bytes.
CREATE TABLE entitle.line (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  account text NOT NULL,
  run text NOT NULL,
  line text NOT NULL
);
CREATE INDEX line_account ON entitle.line (account, seq);
CREATE INDEX line_run ON entitle.line (run, seq);

-- What stands for the first lines of an account, for each version of the program: how far it goes, among the lines of the
-- account and among those without one, and how many these are. Its records are known by the number of the writing.
CREATE TABLE entitle.summary (
  account text NOT NULL,
  writer text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  writing bigint GENERATED ALWAYS AS IDENTITY,
  size bigint NOT NULL,
  upto bigint NOT NULL,
  upto_runs bigint NOT NULL,
  upto_unknown bigint NOT NULL,
  lines bigint NOT NULL,
  lines_runs bigint NOT NULL,
  lines_unknown bigint NOT NULL,
  damaged bigint[] NOT NULL,
  PRIMARY KEY (account, writer)
);
CREATE TABLE entitle.summary_line (
  account text NOT NULL,
  writing bigint NOT NULL,
  n bigint NOT NULL,
  line text NOT NULL,
  PRIMARY KEY (account, writing, n)
);

-- When the calls of an account start, the last ones in order, in microseconds since 1970 by this server's clock. All
-- processes that call the account reserve here, so whoever may read may do that.
CREATE TABLE entitle.budget (
  account text PRIMARY KEY,
  starts bigint[] NOT NULL DEFAULT '{}',
  paused_until bigint
);

-- The replicas of daemons that are alive, and what each says about itself.
CREATE TABLE entitle.replica (
  id text PRIMARY KEY,
  note text NOT NULL,
  until timestamptz NOT NULL
);

-- Two roles to grant to whoever logs in. A user who may not make roles grants the same rights by hand.
DO $$
DECLARE made text;
BEGIN
  FOREACH made IN ARRAY ARRAY['entitle_read', 'entitle_write'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', made);
    EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN
      NULL;
    END;
    IF EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = made) THEN
      EXECUTE format('GRANT USAGE ON SCHEMA entitle TO %I', made);
      EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA entitle TO %I', made);
      EXECUTE format('GRANT INSERT, UPDATE ON entitle.budget TO %I', made);
    END IF;
  END LOOP;
  -- A writer adds lines and cannot change or delete one. A summary says nothing new.
  IF EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'entitle_write') THEN
    GRANT INSERT, UPDATE ON entitle.lease TO entitle_write;
    GRANT INSERT ON entitle.line TO entitle_write;
    GRANT INSERT, UPDATE, DELETE ON entitle.replica, entitle.summary, entitle.summary_line TO entitle_write;
  END IF;
END $$;
