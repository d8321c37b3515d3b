-- The whole schema of one Anytime file, in reading order. A new file is made from this text; older files are brought
-- here step by step (src/db/open.rs). Conventions: STRICT tables named by singular nouns; instants are UTC
-- milliseconds in columns ending in _at; closed lists are small integers in sort order or short codes with a CHECK;
-- sizes are bytes. Foreign keys are on. An index names the query it serves.

-- How the portal looks; one row. version counts changes: pages name it in the URLs of what browsers keep.
CREATE TABLE appearance (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- #rrggbb; NULL is the product's own.
  color TEXT,
  logo_type TEXT,
  logo BLOB,
  version INTEGER NOT NULL DEFAULT 0
) STRICT;

------------------------------------------------------------------------------------------------------------------------
-- The site
------------------------------------------------------------------------------------------------------------------------

-- One row. thread_key signs the tokens by which replies find their conversation; it lives here so that a restored
-- backup still recognises old threads. instance marks our own mail, so that a loop is seen.
CREATE TABLE site (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  name TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  is_department_enabled INTEGER NOT NULL DEFAULT 1,
  recipient_limit INTEGER NOT NULL DEFAULT 50,
  -- How long an agent's mail waits before it leaves, so that it can be taken back; 0 sends at once.
  undo_seconds INTEGER NOT NULL DEFAULT 5,
  -- How long junk mail is kept.
  junk_retention_days INTEGER NOT NULL DEFAULT 90,
  -- How long traces of automatic decisions are kept.
  trace_retention_days INTEGER NOT NULL DEFAULT 180,
  -- While a conversation has one of these statuses its SLA clocks stand still: numbers separated by commas.
  sla_pause_statuses TEXT NOT NULL DEFAULT '',
  company TEXT NOT NULL DEFAULT '',
  website TEXT NOT NULL DEFAULT '',
  date_time_format TEXT NOT NULL DEFAULT 'MM/dd/yyyy HH:mm:ss',
  -- The server whose Authentication-Results about senders are believed; empty believes nobody.
  authserv_id TEXT NOT NULL DEFAULT '',
  thread_key BLOB NOT NULL,
  instance TEXT NOT NULL,
  -- SHA-256 of the one-time set-up token; NULL once the first administrator exists.
  setup_hash BLOB,
  created_at INTEGER NOT NULL
) STRICT;

------------------------------------------------------------------------------------------------------------------------
-- People: roles, agents, departments, contacts
------------------------------------------------------------------------------------------------------------------------

-- System roles: 1 Site Administrators, 2 All Agents (contract 6).
CREATE TABLE role (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  description TEXT NOT NULL DEFAULT '',
  is_system INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE role_permission (
  role_id INTEGER NOT NULL REFERENCES role (id) ON DELETE CASCADE,
  permission TEXT NOT NULL,
  PRIMARY KEY (role_id, permission)
) STRICT, WITHOUT ROWID;

-- An agent is never removed, only marked deleted: history keeps naming it.
CREATE TABLE agent (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email TEXT NOT NULL UNIQUE COLLATE NOCASE,
  display_name TEXT NOT NULL,
  first_name TEXT NOT NULL DEFAULT '',
  last_name TEXT NOT NULL DEFAULT '',
  title TEXT NOT NULL DEFAULT '',
  bio TEXT NOT NULL DEFAULT '',
  -- Below the agent's mails, above the account's; clean HTML.
  signature TEXT NOT NULL DEFAULT '',
  mobile_phone TEXT NOT NULL DEFAULT '',
  time_zone TEXT,
  date_time_format TEXT NOT NULL DEFAULT 'MM/dd/yyyy HH:mm:ss',
  is_admin INTEGER NOT NULL DEFAULT 0,
  is_active INTEGER NOT NULL DEFAULT 1,
  -- Argon2id in PHC form; NULL when the agent has never had a password.
  password_hash TEXT,
  failed_sign_ins INTEGER NOT NULL DEFAULT 0,
  -- Until when sign-in is refused after failures; the contract's isLocked is "later than now".
  locked_until INTEGER,
  locked_at INTEGER,
  last_sign_in_at INTEGER,
  created_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;

CREATE TABLE agent_role (
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  role_id INTEGER NOT NULL REFERENCES role (id) ON DELETE CASCADE,
  PRIMARY KEY (agent_id, role_id)
) STRICT, WITHOUT ROWID;

-- What an agent may do beside what the roles give.
CREATE TABLE agent_permission (
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  permission TEXT NOT NULL,
  PRIMARY KEY (agent_id, permission)
) STRICT, WITHOUT ROWID;

-- One row (contract 2.3). Everything works but the expiry, which is only kept.
CREATE TABLE password_policy (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  checks_length INTEGER NOT NULL DEFAULT 1,
  minimum_length INTEGER NOT NULL DEFAULT 12,
  checks_history INTEGER NOT NULL DEFAULT 0,
  history INTEGER NOT NULL DEFAULT 5,
  expires INTEGER NOT NULL DEFAULT 0,
  expires_in_days INTEGER NOT NULL DEFAULT 90,
  checks_complexity INTEGER NOT NULL DEFAULT 0,
  checks_agent_name INTEGER NOT NULL DEFAULT 1,
  checks_common_phrases INTEGER NOT NULL DEFAULT 1,
  limits_changes INTEGER NOT NULL DEFAULT 0,
  maximum_changes INTEGER NOT NULL DEFAULT 5,
  locks INTEGER NOT NULL DEFAULT 1,
  allowed_failures INTEGER NOT NULL DEFAULT 5,
  -- Agents who sign in by password must set up a second factor before anything else.
  requires_second_factor INTEGER NOT NULL DEFAULT 0,
  -- Sign-ins that belong to nobody. Counted so that they cost as much time as those that count against somebody.
  failures_of_nobody INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The last hashes of an agent, the present one included: for the policy's history and its limit of changes.
CREATE TABLE password_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  -- Set by the agent, not by somebody who manages agents.
  is_own_change INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX password_history_agent ON password_history (agent_id, created_at);

-- Programs that agents let act for them (contract 2.2). redirect_urls has one on each line. agent_id is whom the
-- client acts as when it asks in its own name.
CREATE TABLE oauth_client (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  client_id TEXT NOT NULL UNIQUE,
  secret_hash BLOB NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  company TEXT NOT NULL DEFAULT '',
  redirect_urls TEXT NOT NULL DEFAULT '',
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL
) STRICT;

-- That somebody acts for an agent: the family of its tokens. client_id is NULL where an agent's password came without
-- a client.
CREATE TABLE oauth_grant (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  client_id INTEGER REFERENCES oauth_client (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX oauth_grant_agent ON oauth_grant (agent_id);
CREATE INDEX oauth_grant_client ON oauth_grant (client_id);

-- An authorization code, by its SHA-256. grant_id is set once it was exchanged: a second exchange ends that grant.
CREATE TABLE oauth_code (
  hash BLOB PRIMARY KEY,
  client_id INTEGER NOT NULL REFERENCES oauth_client (id) ON DELETE CASCADE,
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  redirect_uri TEXT NOT NULL,
  challenge TEXT,
  grant_id INTEGER REFERENCES oauth_grant (id) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_code_grant ON oauth_code (grant_id);

-- Access and refresh tokens, by their SHA-256. A refresh token is used once (used_at).
CREATE TABLE oauth_token (
  hash BLOB PRIMARY KEY,
  grant_id INTEGER NOT NULL REFERENCES oauth_grant (id) ON DELETE CASCADE,
  is_refresh INTEGER NOT NULL,
  used_at INTEGER,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_token_grant ON oauth_token (grant_id);

-- One key per agent (contract 2.1). The key is 256 random bits, so a fast hash is enough.
CREATE TABLE api_key (
  agent_id INTEGER PRIMARY KEY REFERENCES agent (id) ON DELETE CASCADE,
  hash BLOB NOT NULL UNIQUE,
  last_four TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- How the console behaves for an agent; who has no row has the defaults.
CREATE TABLE preference (
  agent_id INTEGER PRIMARY KEY REFERENCES agent (id) ON DELETE CASCADE,
  after_send TEXT NOT NULL DEFAULT 'stay' CHECK (after_send IN ('stay', 'next', 'back')),
  is_compact INTEGER NOT NULL DEFAULT 0,
  has_keys INTEGER NOT NULL DEFAULT 1
) STRICT;

-- Which notices reach an agent, and how; a kind without a row has the default (desk/notice/choice.rs).
CREATE TABLE notice_choice (
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('assigned', 'mentioned', 'replied', 'slaNear', 'slaBreached', 'accountFailing')),
  in_page INTEGER NOT NULL,
  in_browser INTEGER NOT NULL,
  by_mail INTEGER NOT NULL,
  PRIMARY KEY (agent_id, kind)
) STRICT, WITHOUT ROWID;

-- Whether an agent is there and takes conversations (contract 3.3). status is what the agent chose; without a sign of
-- life for some minutes (seen_at: an open console, or setting the status) an agent is offline whatever they chose.
CREATE TABLE agent_availability (
  agent_id INTEGER PRIMARY KEY REFERENCES agent (id) ON DELETE CASCADE,
  status TEXT NOT NULL DEFAULT 'online' CHECK (status IN ('online', 'away', 'offline')),
  seen_at INTEGER,
  is_accepting INTEGER NOT NULL DEFAULT 1,
  -- Most conversations at a time where each agent has an own limit; 0 is none.
  max_conversations INTEGER NOT NULL DEFAULT 20,
  last_allocated_at INTEGER
) STRICT;

-- AUTOINCREMENT, as with everything that rules name: the id of one that was deleted must not come back for another.
CREATE TABLE department (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  description TEXT NOT NULL DEFAULT '',
  is_available INTEGER NOT NULL DEFAULT 1
) STRICT;

-- What reports call a department that was deleted.
CREATE TABLE deleted_department (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
) STRICT;

-- Members are agents, and all agents of the roles listed.
CREATE TABLE department_agent (
  department_id INTEGER NOT NULL REFERENCES department (id) ON DELETE CASCADE,
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  PRIMARY KEY (department_id, agent_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE department_role (
  department_id INTEGER NOT NULL REFERENCES department (id) ON DELETE CASCADE,
  role_id INTEGER NOT NULL REFERENCES role (id) ON DELETE CASCADE,
  PRIMARY KEY (department_id, role_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE contact (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  alias TEXT NOT NULL DEFAULT '',
  description TEXT NOT NULL DEFAULT '',
  company TEXT NOT NULL DEFAULT '',
  title TEXT NOT NULL DEFAULT '',
  phone_number TEXT NOT NULL DEFAULT '',
  fax_number TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL DEFAULT '',
  city TEXT NOT NULL DEFAULT '',
  state_or_province TEXT NOT NULL DEFAULT '',
  country TEXT NOT NULL DEFAULT '',
  postal_or_zip_code TEXT NOT NULL DEFAULT '',
  time_zone TEXT,
  -- In which the portal and its mail last spoke to them.
  language TEXT NOT NULL DEFAULT 'en',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;

-- Who a contact is on a channel: at most one of a type for a contact, and one contact for a value (contract 4.2). The
-- identities of a deleted contact are freed: others may have them then.
CREATE TABLE contact_identity (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  contact_id INTEGER NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
  type TEXT NOT NULL CHECK (type IN ('email', 'SSOUserId', 'externalId')),
  value TEXT NOT NULL COLLATE NOCASE,
  name TEXT NOT NULL DEFAULT '',
  is_freed INTEGER NOT NULL DEFAULT 0,
  UNIQUE (contact_id, type)
) STRICT;
-- Whose identity it is: for queries that spell is_freed = 0. And the freed ones, for a deleted contact who writes.
CREATE UNIQUE INDEX contact_identity_value ON contact_identity (type, value) WHERE is_freed = 0;
CREATE INDEX contact_identity_freed ON contact_identity (type, value) WHERE is_freed = 1;

-- A signed-in browser: of an agent in the console, or of a contact in the portal. The cookie's value is not here,
-- only its SHA-256.
CREATE TABLE session (
  hash BLOB PRIMARY KEY,
  agent_id INTEGER REFERENCES agent (id) ON DELETE CASCADE,
  contact_id INTEGER REFERENCES contact (id) ON DELETE CASCADE,
  csrf TEXT NOT NULL,
  user_agent TEXT NOT NULL DEFAULT '',
  -- Where the sign-in came from.
  address TEXT NOT NULL DEFAULT '',
  -- How its owner proved who they are: a password, a mailed link, or the word of the identity provider.
  proof TEXT NOT NULL CHECK (proof IN ('password', 'link', 'provider')),
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  CHECK ((agent_id IS NULL) <> (contact_id IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX session_agent ON session (agent_id);
CREATE INDEX session_contact ON session (contact_id);

-- The second factor of an agent's sign-in: an authenticator app's secret, encrypted with the key file. is_confirmed once
-- a code of it was given. last_step is the step of 30 seconds whose code was used last: no code works twice.
CREATE TABLE second_factor (
  agent_id INTEGER PRIMARY KEY REFERENCES agent (id) ON DELETE CASCADE,
  secret BLOB NOT NULL,
  is_confirmed INTEGER NOT NULL DEFAULT 0,
  last_step INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
) STRICT;

-- Codes for whoever has lost the app: by their SHA-256, gone once used.
CREATE TABLE recovery_code (
  agent_id INTEGER NOT NULL REFERENCES second_factor (agent_id) ON DELETE CASCADE,
  hash BLOB NOT NULL,
  PRIMARY KEY (agent_id, hash)
) STRICT, WITHOUT ROWID;

-- A sign-in between password and code, by the SHA-256 of its cookie's value; the row goes with the right code, or with
-- too many wrong ones.
CREATE TABLE sign_in_step (
  hash BLOB PRIMARY KEY,
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  failures INTEGER NOT NULL DEFAULT 0,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_step_agent ON sign_in_step (agent_id);

-- Where agents may sign in by OpenID Connect: one row, or none. The secret is encrypted with the key file;
-- allowed_domains has one on each line.
CREATE TABLE identity_provider (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  name TEXT NOT NULL,
  issuer TEXT NOT NULL,
  client_id TEXT NOT NULL,
  secret BLOB,
  allowed_domains TEXT NOT NULL DEFAULT '',
  creates_agents INTEGER NOT NULL DEFAULT 0,
  is_enabled INTEGER NOT NULL DEFAULT 1
) STRICT;

-- Who an agent is at the provider, once they have signed in with it.
CREATE TABLE agent_identity (
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_identity_agent ON agent_identity (agent_id);

-- The password of a contact who wanted one beside the mailed links. Hash and lock are as an agent's; a lock does not
-- keep a mailed link from working. Gone when the contact's address changes, and with the contact.
CREATE TABLE contact_password (
  contact_id INTEGER PRIMARY KEY REFERENCES contact (id) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  failed_sign_ins INTEGER NOT NULL DEFAULT 0,
  locked_until INTEGER,
  changed_at INTEGER NOT NULL
) STRICT;

-- A magic link mailed to a contact: used once, short-lived, void once used (the row goes).
CREATE TABLE sign_in_link (
  hash BLOB PRIMARY KEY,
  contact_id INTEGER NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

------------------------------------------------------------------------------------------------------------------------
-- Bytes: everything large (raw mail, attachments) is a blob in chunks of 256 KiB
------------------------------------------------------------------------------------------------------------------------

-- A blob is written chunk by chunk in small transactions and means something once a row below points at it.
-- What nothing points at after a day is swept.
CREATE TABLE blob (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  size_bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE blob_chunk (
  blob_id INTEGER NOT NULL REFERENCES blob (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (blob_id, seq)
) STRICT;

------------------------------------------------------------------------------------------------------------------------
-- Conversations
------------------------------------------------------------------------------------------------------------------------

CREATE TABLE tag (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE
) STRICT;

-- Mail accounts we fetch from and send through. Secrets are encrypted with the key file beside this file.
CREATE TABLE email_account (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email TEXT NOT NULL UNIQUE COLLATE NOCASE,
  type TEXT NOT NULL DEFAULT 'pop3' CHECK (type IN ('pop3', 'imap', 'exchange')),
  display_name TEXT NOT NULL DEFAULT '',
  is_enabled INTEGER NOT NULL DEFAULT 1,
  is_default INTEGER NOT NULL DEFAULT 0,
  agent_assignee_id INTEGER REFERENCES agent (id),
  department_assignee_id INTEGER REFERENCES department (id),
  signature TEXT NOT NULL DEFAULT '',
  -- A host; of an exchange account the URL of Microsoft Graph, through which it also sends.
  incoming_server TEXT NOT NULL DEFAULT '',
  incoming_port INTEGER NOT NULL DEFAULT 995,
  incoming_security TEXT NOT NULL DEFAULT 'ssl' CHECK (incoming_security IN ('none', 'ssl', 'startTls')),
  incoming_user_name TEXT NOT NULL DEFAULT '',
  incoming_password BLOB,
  -- Where mail is fetched from, and where it goes then; empty: the inbox, and nowhere. Not with POP3.
  folder TEXT NOT NULL DEFAULT '',
  move_to_folder TEXT NOT NULL DEFAULT '',
  leave_copy_on_server INTEGER NOT NULL DEFAULT 0,
  poll_interval_seconds INTEGER NOT NULL DEFAULT 60,
  -- How far a mailbox that keeps its mail was read, in the words of its kind; only saves asking again.
  fetch_cursor TEXT NOT NULL DEFAULT '',
  -- Mail that the server received before this is taken over silently, as from an archive.
  take_over_before INTEGER,
  smtp_server TEXT NOT NULL DEFAULT '',
  smtp_port INTEGER NOT NULL DEFAULT 587,
  smtp_security TEXT NOT NULL DEFAULT 'startTls' CHECK (smtp_security IN ('none', 'ssl', 'startTls')),
  smtp_user_name TEXT NOT NULL DEFAULT '',
  smtp_password BLOB,
  tls_accept_invalid_certs INTEGER NOT NULL DEFAULT 0,
  -- OAuth 2.0: with a refresh token that somebody authorised or, for exchange, with the client's own secret.
  authentication TEXT NOT NULL DEFAULT 'password' CHECK (authentication IN ('password', 'oauth2')),
  oauth_authorize_url TEXT NOT NULL DEFAULT '',
  oauth_token_url TEXT NOT NULL DEFAULT '',
  oauth_client_id TEXT NOT NULL DEFAULT '',
  oauth_client_secret BLOB,
  oauth_scope TEXT NOT NULL DEFAULT '',
  oauth_refresh_token BLOB,
  -- Mail to local+anything@domain arrives, too: then reports about mail that came back are sent to such an address.
  has_plus_addresses INTEGER NOT NULL DEFAULT 0,
  -- Health of fetching: when it was last tried and last worked, what went wrong since, since when it has failed several
  -- times in a row, and when to try next.
  last_checked_at INTEGER,
  last_success_at INTEGER,
  last_error TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  failing_since_at INTEGER,
  next_check_at INTEGER NOT NULL DEFAULT 0,
  -- Sign-ins refused since one worked: after some nothing is tried until somebody acts (desk/email_account/health.rs).
  refusals INTEGER NOT NULL DEFAULT 0,
  -- The same of sending. Failures within a minute count once.
  send_failures INTEGER NOT NULL DEFAULT 0,
  send_refusals INTEGER NOT NULL DEFAULT 0,
  send_error TEXT,
  send_failed_at INTEGER,
  send_success_at INTEGER,
  send_failing_since_at INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX email_account_default ON email_account (is_default) WHERE is_default = 1;

-- Keys that sign an account's outgoing mail (DKIM), at most one of a kind. sealed_key is PKCS#8 in base64, encrypted with
-- the key file; public_key is what the DNS record says. Not enabled until its record is published.
CREATE TABLE dkim_key (
  email_account_id INTEGER NOT NULL REFERENCES email_account (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('rsa', 'ed25519')),
  selector TEXT NOT NULL,
  public_key TEXT NOT NULL,
  sealed_key BLOB NOT NULL,
  is_enabled INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (email_account_id, kind)
) STRICT, WITHOUT ROWID;

-- Domains that wrote to us, by what they look like: a new one with the look of a known one is pointed out.
CREATE TABLE sender_domain (
  look TEXT NOT NULL,
  domain TEXT NOT NULL,
  PRIMARY KEY (look, domain)
) STRICT, WITHOUT ROWID;

-- status: 1 new, 2 pendingInternal, 3 pendingExternal, 4 onHold, 5 closed. priority: 1 urgent, 2 high, 3 normal,
-- 4 low. channel: 1 email, 2 chat, 3 offlineMessage, 7 portal (contract 1.8). AUTOINCREMENT, because people and
-- tokens name the id: it must never come back for another conversation.
CREATE TABLE conversation (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  subject TEXT NOT NULL,
  channel INTEGER NOT NULL CHECK (channel IN (1, 2, 3, 7)),
  status INTEGER NOT NULL CHECK (status BETWEEN 1 AND 5),
  priority INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 4),
  contact_id INTEGER REFERENCES contact (id),
  agent_assignee_id INTEGER REFERENCES agent (id),
  department_assignee_id INTEGER REFERENCES department (id) ON DELETE SET NULL,
  email_account_id INTEGER REFERENCES email_account (id) ON DELETE SET NULL,
  received_from TEXT,
  is_read INTEGER NOT NULL DEFAULT 0,
  is_read_by_contact INTEGER NOT NULL DEFAULT 1,
  created_by_type TEXT NOT NULL CHECK (created_by_type IN ('agent', 'contact', 'system')),
  created_by_id INTEGER,
  created_at INTEGER NOT NULL,
  last_activity_at INTEGER NOT NULL,
  last_status_change_at INTEGER NOT NULL,
  last_replied_at INTEGER,
  last_replied_by_type TEXT CHECK (last_replied_by_type IN ('agent', 'contact', 'system')),
  last_replied_by_id INTEGER,
  closed_at INTEGER,
  closed_by_type TEXT CHECK (closed_by_type IN ('agent', 'contact', 'system')),
  closed_by_id INTEGER,
  -- Plain text of the last message that is not a note, at most 200 characters.
  last_message TEXT NOT NULL DEFAULT '',
  total_replies INTEGER NOT NULL DEFAULT 0,
  has_draft INTEGER NOT NULL DEFAULT 0,
  attachment_bytes INTEGER NOT NULL DEFAULT 0,
  is_deleted INTEGER NOT NULL DEFAULT 0,
  merged_into_id INTEGER REFERENCES conversation (id),
  -- New and not yet anybody's while auto allocation was on; the first assignment, whoever makes it, ends it for good.
  awaits_allocation INTEGER NOT NULL DEFAULT 0,
  -- The policy that applies, and when its running clocks are due (contract 18.4): copies from the table clock, written by
  -- desk/sla alone. next_breach_at is the earliest of the three. No foreign key: what is closed keeps a policy that goes.
  sla_policy_id INTEGER,
  first_respond_due_at INTEGER,
  next_respond_due_at INTEGER,
  resolve_due_at INTEGER,
  next_breach_at INTEGER,
  -- What lists are ordered and windowed by: the last reply, or the creation where there is none (contract 11.6). Written
  -- with the last reply rather than generated: an index on a generated column never covers a query.
  listed_at INTEGER NOT NULL
) STRICT;
-- A partial index serves only queries that spell is_deleted = 0 as a literal, and covers them only with that column in it.
-- Lists: the default order, its window and the counts of both, covering with what visibility asks for; the other orders;
-- somebody's, a department's, a contact's conversations. The id stands where the order has it: a walk need not sort.
CREATE INDEX conversation_listed
  ON conversation (listed_at, id, is_deleted, status, agent_assignee_id, department_assignee_id, contact_id)
  WHERE is_deleted = 0;
CREATE INDEX conversation_activity ON conversation (last_activity_at, id, is_deleted) WHERE is_deleted = 0;
CREATE INDEX conversation_priority ON conversation (priority, listed_at DESC, id DESC, is_deleted) WHERE is_deleted = 0;
CREATE INDEX conversation_status ON conversation (status, listed_at, id, is_deleted) WHERE is_deleted = 0;
CREATE INDEX conversation_agent ON conversation (agent_assignee_id, status, listed_at, is_deleted) WHERE is_deleted = 0;
CREATE INDEX conversation_department
  ON conversation (department_assignee_id, status, listed_at, is_deleted) WHERE is_deleted = 0;
CREATE INDEX conversation_contact ON conversation (contact_id, listed_at, is_deleted) WHERE is_deleted = 0;
-- Stays at a status that have become long enough. Asks for what is always so, lest lists by status be drawn to it.
CREATE INDEX conversation_stay ON conversation (status, last_status_change_at)
  WHERE is_deleted = 0 AND merged_into_id IS NULL;
-- The console's open filters and reports of what is open, covering: few rows of many.
CREATE INDEX conversation_open
  ON conversation (listed_at, is_deleted, status, agent_assignee_id, department_assignee_id, contact_id, is_read, priority,
    channel, email_account_id)
  WHERE is_deleted = 0 AND status < 5;
-- The recycle bin; and what was merged into a conversation.
CREATE INDEX conversation_deleted ON conversation (listed_at, id) WHERE is_deleted = 1;
CREATE INDEX conversation_merged ON conversation (merged_into_id) WHERE merged_into_id IS NOT NULL;
-- Unread counts of every filter in one pass.
CREATE INDEX conversation_unread
  ON conversation (agent_assignee_id, department_assignee_id, status, priority, channel, contact_id, is_read, is_deleted)
  WHERE is_deleted = 0 AND is_read = 0;

-- The soonest breach first; and, for reports, what was created in a period.
CREATE INDEX conversation_breach ON conversation (next_breach_at, id, is_deleted) WHERE is_deleted = 0;
CREATE INDEX conversation_created ON conversation (created_at, is_deleted) WHERE is_deleted = 0;

-- Who is allocated next: in each department the most urgent, then the oldest.
CREATE INDEX conversation_waiting ON conversation (department_assignee_id, priority, created_at, id)
  WHERE awaits_allocation = 1 AND is_deleted = 0 AND status < 5;

-- How many conversations there are, those of the recycle bin left out, by what most lists ask about: kept by triggers, so
-- that telling how many a list has does not mean counting them. A count may be zero.
CREATE TABLE tally (
  id INTEGER PRIMARY KEY,
  status INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  agent_assignee_id INTEGER,
  department_assignee_id INTEGER,
  conversations INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX tally_of
  ON tally (status, priority, coalesce(agent_assignee_id, 0), coalesce(department_assignee_id, 0));

CREATE TRIGGER tally_insert AFTER INSERT ON conversation WHEN new.is_deleted = 0 BEGIN
  INSERT INTO tally (status, priority, agent_assignee_id, department_assignee_id, conversations)
    VALUES (new.status, new.priority, new.agent_assignee_id, new.department_assignee_id, 1)
    ON CONFLICT (status, priority, coalesce(agent_assignee_id, 0), coalesce(department_assignee_id, 0))
    DO UPDATE SET conversations = conversations + 1;
END;
CREATE TRIGGER tally_update
  AFTER UPDATE OF status, priority, agent_assignee_id, department_assignee_id, is_deleted ON conversation
  WHEN (old.status, old.priority, old.agent_assignee_id, old.department_assignee_id, old.is_deleted)
    IS NOT (new.status, new.priority, new.agent_assignee_id, new.department_assignee_id, new.is_deleted)
BEGIN
  UPDATE tally SET conversations = conversations - 1
    WHERE old.is_deleted = 0 AND status = old.status AND priority = old.priority
      AND coalesce(agent_assignee_id, 0) = coalesce(old.agent_assignee_id, 0)
      AND coalesce(department_assignee_id, 0) = coalesce(old.department_assignee_id, 0);
  INSERT INTO tally (status, priority, agent_assignee_id, department_assignee_id, conversations)
    SELECT new.status, new.priority, new.agent_assignee_id, new.department_assignee_id, 1 WHERE new.is_deleted = 0
    ON CONFLICT (status, priority, coalesce(agent_assignee_id, 0), coalesce(department_assignee_id, 0))
    DO UPDATE SET conversations = conversations + 1;
END;
CREATE TRIGGER tally_delete AFTER DELETE ON conversation WHEN old.is_deleted = 0 BEGIN
  UPDATE tally SET conversations = conversations - 1
    WHERE status = old.status AND priority = old.priority
      AND coalesce(agent_assignee_id, 0) = coalesce(old.agent_assignee_id, 0)
      AND coalesce(department_assignee_id, 0) = coalesce(old.department_assignee_id, 0);
END;

CREATE TABLE conversation_tag (
  conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  tag_id INTEGER NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
  PRIMARY KEY (conversation_id, tag_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX conversation_tag_tag ON conversation_tag (tag_id, conversation_id);

-- What conditions ask about and forms show (contract 14). Ids 1 to 20 are the system fields (src/rules/field.rs), whose
-- rows hold only what can be set of them: the defaults of Status and Priority, and the mappings. The site's own start at
-- 1000. length counts characters.
CREATE TABLE field (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  type TEXT NOT NULL CHECK (type IN ('text', 'textarea', 'email', 'url', 'date', 'integer', 'float', 'operator', 'radio',
    'checkbox', 'dropdownList', 'checkboxList', 'link', 'department')),
  is_required INTEGER NOT NULL DEFAULT 0,
  default_value TEXT NOT NULL DEFAULT '',
  help_text TEXT NOT NULL DEFAULT '',
  length INTEGER,
  -- Where a value of type link leads.
  link_url TEXT NOT NULL DEFAULT '',
  position INTEGER NOT NULL DEFAULT 0,
  chat_mapping TEXT NOT NULL DEFAULT '',
  offline_message_mapping TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE field_option (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  field_id INTEGER NOT NULL REFERENCES field (id) ON DELETE CASCADE,
  name TEXT NOT NULL COLLATE NOCASE,
  value TEXT NOT NULL COLLATE NOCASE,
  position INTEGER NOT NULL,
  UNIQUE (field_id, name),
  UNIQUE (field_id, value)
) STRICT;

-- The site's own fields of a conversation, a row for each value (a checkboxList has several). value is a text, a REAL of
-- a float, or an INTEGER: a number, a date as UTC milliseconds of its midnight, 1 of a checkbox, the id of an option,
-- agent or department.
CREATE TABLE field_value (
  conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  field_id INTEGER NOT NULL REFERENCES field (id) ON DELETE CASCADE,
  value ANY NOT NULL,
  PRIMARY KEY (conversation_id, field_id, value)
) STRICT, WITHOUT ROWID;
-- Conversations by a value.
CREATE INDEX field_value_field ON field_value (field_id, value, conversation_id);

-- type: email goes out or came in by mail, reply is the portal's, note is internal (contract 11.5).
CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  type TEXT NOT NULL CHECK (type IN ('note', 'email', 'reply')),
  source TEXT CHECK (source IN ('agentConsole', 'helpDesk', 'webForm', 'API', 'chat', 'offlineMessage')),
  sender_type TEXT NOT NULL CHECK (sender_type IN ('agent', 'contact', 'system')),
  sender_id INTEGER,
  subject TEXT NOT NULL DEFAULT '',
  html_body TEXT NOT NULL DEFAULT '',
  plain_body TEXT NOT NULL DEFAULT '',
  quote TEXT NOT NULL DEFAULT '',
  from_address TEXT NOT NULL DEFAULT '',
  to_addresses TEXT NOT NULL DEFAULT '',
  cc_addresses TEXT NOT NULL DEFAULT '',
  -- The Message-ID header without angle brackets: ours when it goes out, the sender's when it came in.
  internet_message_id TEXT,
  inbound_mail_id INTEGER REFERENCES inbound_mail (id) ON DELETE SET NULL,
  -- Which key joined this mail to the conversation, as shown under "why here".
  matched_by TEXT,
  -- Joined by a valid token, but sent by somebody who is not part of the conversation.
  is_third_party INTEGER NOT NULL DEFAULT 0,
  -- Of mail we send: sending, success, failed.
  send_status TEXT CHECK (send_status IN ('sending', 'success', 'failed')),
  -- Written by a program (out of office and its like): it is in the thread, but was no reply.
  is_automatic INTEGER NOT NULL DEFAULT 0,
  -- The message that this mail passes on to somebody else. Contacts see neither it nor what comes back.
  forward_of_id INTEGER REFERENCES message (id) ON DELETE SET NULL,
  -- When its writer changed a note.
  edited_at INTEGER,
  -- What the receiving server found out about the sender of a mail that came in, its words, and what looks like a trick, a
  -- line each (desk/sender_check.rs).
  authentication TEXT CHECK (authentication IN ('passed', 'failed', 'unknown')),
  authentication_said TEXT NOT NULL DEFAULT '',
  sender_warnings TEXT NOT NULL DEFAULT '',
  -- HTML that was too complex to clean and is shown as plain text; and whether remote images were held back.
  is_simplified INTEGER NOT NULL DEFAULT 0,
  has_remote_images INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
) STRICT;
-- The thread of a conversation; and the message that a reply's In-Reply-To or References name.
CREATE INDEX message_conversation ON message (conversation_id, id, sender_type, type);
-- Reports: what agents and contacts wrote in a period, without a look at the texts.
CREATE INDEX message_sent ON message (created_at, conversation_id, sender_type, sender_id, type)
  WHERE type <> 'note' AND sender_type <> 'system';
CREATE INDEX message_internet_id ON message (internet_message_id) WHERE internet_message_id IS NOT NULL;
CREATE INDEX message_forward ON message (forward_of_id) WHERE forward_of_id IS NOT NULL;

-- What is being written, one for each conversation, shared by all agents; conversation.has_draft mirrors that it is
-- there. Files of a draft are attachments of the conversation without a message.
CREATE TABLE draft (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation_id INTEGER NOT NULL UNIQUE REFERENCES conversation (id) ON DELETE CASCADE,
  subject TEXT NOT NULL DEFAULT '',
  html_body TEXT NOT NULL DEFAULT '',
  plain_body TEXT NOT NULL DEFAULT '',
  quote TEXT NOT NULL DEFAULT '',
  from_address TEXT NOT NULL DEFAULT '',
  to_addresses TEXT NOT NULL DEFAULT '',
  cc_addresses TEXT NOT NULL DEFAULT '',
  saved_by_id INTEGER NOT NULL REFERENCES agent (id),
  saved_at INTEGER NOT NULL
) STRICT;

-- Text of drafts that was overwritten or thrown away, the last few of each conversation: nothing typed is lost.
CREATE TABLE draft_version (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  subject TEXT NOT NULL,
  html_body TEXT NOT NULL,
  plain_body TEXT NOT NULL,
  saved_by_id INTEGER NOT NULL REFERENCES agent (id),
  saved_at INTEGER NOT NULL
) STRICT;
CREATE INDEX draft_version_conversation ON draft_version (conversation_id, id);

-- A conversation that is out of the way until a time, and in any case until its contact writes.
CREATE TABLE snooze (
  conversation_id INTEGER PRIMARY KEY REFERENCES conversation (id) ON DELETE CASCADE,
  -- NULL waits for the contact alone.
  until_at INTEGER,
  snoozed_by_id INTEGER NOT NULL REFERENCES agent (id),
  snoozed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX snooze_until ON snooze (until_at) WHERE until_at IS NOT NULL;

-- What an agent just did in the console: says names it, before is what the conversations were (JSON), problems what
-- did not work (JSON). Kept for an hour, so that it can be taken back. work is what is left to do of something big
-- (JSON): a job takes it in steps, done of total conversations are through.
CREATE TABLE undo (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  says TEXT NOT NULL,
  before TEXT NOT NULL,
  problems TEXT NOT NULL DEFAULT '[]',
  work TEXT,
  done INTEGER NOT NULL DEFAULT 0,
  total INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
) STRICT;
-- What the job takes up.
CREATE INDEX undo_work ON undo (id) WHERE work IS NOT NULL;

-- Which agents have a conversation open, and who writes. A row counts for a short while after seen_at.
CREATE TABLE presence (
  conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  is_writing INTEGER NOT NULL DEFAULT 0,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (conversation_id, agent_id)
) STRICT, WITHOUT ROWID;

-- What a conversation waits for, each time it does: 1 the first answer of an agent, 2 each next answer, 3 to be closed.
-- Written whether a policy applies or not; a policy only gives due_at. SLA and reports read this.
-- started_at: what the wait is counted from. opened_at: when this clock began to run; later than started_at where a closed
-- conversation was opened again, whose time to resolve goes on from its beginning. stopped_at: when it came to pass.
-- is_dropped: will never come to pass, because the conversation was closed without a next answer.
-- breached_at: the due time, once it was missed. The agent and department are the assignees at opened_at, and whoever
-- stopped the clock (else the assignee) with the department then.
CREATE TABLE clock (
  conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  target INTEGER NOT NULL CHECK (target BETWEEN 1 AND 3),
  cycle INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  opened_at INTEGER NOT NULL,
  stopped_at INTEGER,
  is_dropped INTEGER NOT NULL DEFAULT 0,
  sla_policy_id INTEGER,
  due_at INTEGER,
  breached_at INTEGER,
  -- When it was told that the due time is near.
  warned_at INTEGER,
  opened_agent_id INTEGER,
  opened_department_id INTEGER,
  stopped_agent_id INTEGER,
  stopped_department_id INTEGER,
  PRIMARY KEY (conversation_id, target, cycle)
) STRICT, WITHOUT ROWID;
-- What is overdue and not yet told.
CREATE INDEX clock_due ON clock (due_at)
  WHERE due_at IS NOT NULL AND stopped_at IS NULL AND breached_at IS NULL AND is_dropped = 0;
-- Reports: answers and closings of a period; openings of a period; targets met or missed in a period.
CREATE INDEX clock_stopped ON clock (target, stopped_at, started_at) WHERE stopped_at IS NOT NULL;
CREATE INDEX clock_opened ON clock (opened_at) WHERE target = 3;
CREATE INDEX clock_decided ON clock (coalesce(breached_at, stopped_at))
  WHERE due_at IS NOT NULL AND coalesce(breached_at, stopped_at) IS NOT NULL;

CREATE TABLE mention (
  conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  message_id INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  is_read INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (conversation_id, agent_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mention_agent ON mention (agent_id, is_read, conversation_id);
CREATE INDEX mention_message ON mention (message_id);

-- An upload belongs to whoever uploaded it until the first draft or message that names its guid takes it; unbound ones
-- expire after 24 hours (contract 9). One of a draft has a conversation, but no message. A file over a conversation's limit keeps its row with is_available = 0.
CREATE TABLE attachment (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  guid TEXT NOT NULL UNIQUE,
  blob_id INTEGER NOT NULL REFERENCES blob (id),
  conversation_id INTEGER REFERENCES conversation (id) ON DELETE CASCADE,
  message_id INTEGER REFERENCES message (id) ON DELETE CASCADE,
  -- The junk mail it came with, until that becomes a conversation.
  junk_email_id INTEGER REFERENCES junk_email (id) ON DELETE CASCADE,
  file_name TEXT NOT NULL,
  content_type TEXT NOT NULL,
  content_id TEXT,
  is_inline INTEGER NOT NULL DEFAULT 0,
  size_bytes INTEGER NOT NULL,
  is_available INTEGER NOT NULL DEFAULT 1,
  -- Not available yet: a webhook was asked whether it is fine.
  is_pending INTEGER NOT NULL DEFAULT 0,
  uploaded_by_type TEXT NOT NULL CHECK (uploaded_by_type IN ('agent', 'contact', 'system')),
  uploaded_by_id INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX attachment_message ON attachment (message_id);
CREATE INDEX attachment_conversation ON attachment (conversation_id);
CREATE INDEX attachment_blob ON attachment (blob_id);
CREATE INDEX attachment_junk ON attachment (junk_email_id) WHERE junk_email_id IS NOT NULL;
CREATE INDEX attachment_unbound ON attachment (created_at) WHERE conversation_id IS NULL;

------------------------------------------------------------------------------------------------------------------------
-- Search
------------------------------------------------------------------------------------------------------------------------

-- The full-text index: a document for each conversation that is not deleted, its rowid the conversation's id. It keeps
-- no copy of the texts. Positions are kept (detail=full, about 0.8 of the text's size rather than 0.4): addresses, order
-- numbers, quoted phrases and pairs of Chinese characters are sequences of words. note is what contacts never see.
CREATE VIRTUAL TABLE search USING fts5 (
  number, subject, body, note, contact,
  content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
);
-- Each commit adds a part to the index. The job "merge search" merges them in small steps; left to itself FTS5 does so
-- inside a commit, now and then a large part at once, and whoever writes waits for seconds.
INSERT INTO search (search, rank) VALUES ('automerge', 0), ('crisismerge', 1000), ('usermerge', 8);

-- Conversations whose document is to be written again, which happens before the commit; is_long ones follow after it.
CREATE TABLE search_pending (
  conversation_id INTEGER PRIMARY KEY,
  is_long INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TRIGGER search_message_insert AFTER INSERT ON message BEGIN
  INSERT INTO search_pending (conversation_id) VALUES (new.conversation_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER search_message_update AFTER UPDATE OF plain_body, conversation_id, type, is_third_party ON message BEGIN
  INSERT INTO search_pending (conversation_id) VALUES (new.conversation_id) ON CONFLICT DO NOTHING;
  INSERT INTO search_pending (conversation_id) VALUES (old.conversation_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER search_message_delete AFTER DELETE ON message BEGIN
  INSERT INTO search_pending (conversation_id) VALUES (old.conversation_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER search_conversation_insert AFTER INSERT ON conversation BEGIN
  INSERT INTO search_pending (conversation_id) VALUES (new.id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER search_conversation_update AFTER UPDATE OF subject, contact_id, is_deleted ON conversation
  WHEN old.subject IS NOT new.subject OR old.contact_id IS NOT new.contact_id OR old.is_deleted IS NOT new.is_deleted
BEGIN
  INSERT INTO search_pending (conversation_id) VALUES (new.id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER search_conversation_delete AFTER DELETE ON conversation BEGIN
  INSERT INTO search_pending (conversation_id) VALUES (old.id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER search_contact_update AFTER UPDATE OF name, alias ON contact
  WHEN old.name IS NOT new.name OR old.alias IS NOT new.alias
BEGIN
  INSERT INTO search_pending (conversation_id) SELECT id FROM conversation
    WHERE contact_id = new.id AND is_deleted = 0 ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER search_identity_insert AFTER INSERT ON contact_identity BEGIN
  INSERT INTO search_pending (conversation_id) SELECT id FROM conversation
    WHERE contact_id = new.contact_id AND is_deleted = 0 ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER search_identity_update AFTER UPDATE OF value, contact_id ON contact_identity BEGIN
  INSERT INTO search_pending (conversation_id) SELECT id FROM conversation
    WHERE contact_id IN (old.contact_id, new.contact_id) AND is_deleted = 0 ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER search_identity_delete AFTER DELETE ON contact_identity BEGIN
  INSERT INTO search_pending (conversation_id) SELECT id FROM conversation
    WHERE contact_id = old.contact_id AND is_deleted = 0 ON CONFLICT DO NOTHING;
END;

------------------------------------------------------------------------------------------------------------------------
-- Conditions, and what asks by them
------------------------------------------------------------------------------------------------------------------------

-- The console's views (contract 13.1). The six system filters are in src/desk/filter.rs; these start at 1000.
-- match_when and logic_expression say how the conditions are combined, here and wherever else there are conditions.
CREATE TABLE filter (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  is_private INTEGER NOT NULL DEFAULT 0,
  created_by_id INTEGER NOT NULL REFERENCES agent (id),
  match_when TEXT NOT NULL DEFAULT 'all' CHECK (match_when IN ('any', 'all', 'logicalExpression')),
  logic_expression TEXT,
  created_at INTEGER NOT NULL
) STRICT;

-- One question about a conversation (contract 13.2), of exactly one owner. number is what logic expressions call it.
CREATE TABLE condition (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  filter_id INTEGER REFERENCES filter (id) ON DELETE CASCADE,
  routing_rule_id INTEGER REFERENCES routing_rule (id) ON DELETE CASCADE,
  trigger_id INTEGER REFERENCES trigger (id) ON DELETE CASCADE,
  sla_policy_id INTEGER REFERENCES sla_policy (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  field_id INTEGER NOT NULL REFERENCES field (id),
  match_type TEXT NOT NULL CHECK (match_type IN ('is', 'isNot', 'isMoreThan', 'isLessThan', 'contains', 'notContains',
    'before', 'after', 'between')),
  value TEXT NOT NULL,
  CHECK ((filter_id IS NOT NULL) + (routing_rule_id IS NOT NULL) + (trigger_id IS NOT NULL)
    + (sla_policy_id IS NOT NULL) = 1)
) STRICT;
CREATE UNIQUE INDEX condition_filter ON condition (filter_id, number) WHERE filter_id IS NOT NULL;
CREATE UNIQUE INDEX condition_routing_rule ON condition (routing_rule_id, number) WHERE routing_rule_id IS NOT NULL;
CREATE UNIQUE INDEX condition_trigger ON condition (trigger_id, number) WHERE trigger_id IS NOT NULL;
CREATE UNIQUE INDEX condition_sla_policy ON condition (sla_policy_id, number) WHERE sla_policy_id IS NOT NULL;
-- What uses a field.
CREATE INDEX condition_field ON condition (field_id);

------------------------------------------------------------------------------------------------------------------------
-- What agents write with
------------------------------------------------------------------------------------------------------------------------

-- A private one exists for its creator only (contract 8); the same holds for the messages.
CREATE TABLE canned_message_category (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  parent_id INTEGER REFERENCES canned_message_category (id),
  is_private INTEGER NOT NULL DEFAULT 0,
  created_by_id INTEGER REFERENCES agent (id)
) STRICT;
CREATE INDEX canned_message_category_parent ON canned_message_category (parent_id);

-- message is plain text and always there; the two for mail may be empty.
CREATE TABLE canned_message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  message TEXT NOT NULL,
  shortcuts TEXT NOT NULL DEFAULT '',
  category_id INTEGER REFERENCES canned_message_category (id),
  is_private INTEGER NOT NULL DEFAULT 0,
  channel_type TEXT NOT NULL DEFAULT 'default' CHECK (channel_type IN ('default', 'email')),
  email_html TEXT NOT NULL DEFAULT '',
  email_text TEXT NOT NULL DEFAULT '',
  created_by_id INTEGER REFERENCES agent (id),
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX canned_message_category_id ON canned_message (category_id);

------------------------------------------------------------------------------------------------------------------------
-- What other programs are told and tell
------------------------------------------------------------------------------------------------------------------------

-- Accounts that channel apps have connected: a registry (contract 21).
CREATE TABLE integration_account (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app_id TEXT NOT NULL,
  account_name TEXT NOT NULL DEFAULT '',
  -- The account's id on the foreign platform.
  account_original_id TEXT NOT NULL,
  channel_id TEXT NOT NULL DEFAULT '',
  is_enabled INTEGER NOT NULL DEFAULT 1,
  UNIQUE (app_id, account_original_id)
) STRICT;

-- Which URL is told of which event (contract 10). The secret that signs is encrypted with the key file.
CREATE TABLE webhook (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event TEXT NOT NULL CHECK (event IN ('Created', 'ReplyReceived', 'AgentReplied', 'AssigneeChanged', 'StatusChanged',
    'StatusStays', 'Deleted', 'FileUploaded', 'SLABreached')),
  target_url TEXT NOT NULL,
  is_enabled INTEGER NOT NULL DEFAULT 1,
  secret BLOB,
  -- How the last attempt at any of its deliveries went.
  last_succeeded INTEGER,
  last_attempt_at INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_event ON webhook (event) WHERE is_enabled = 1;

-- The queue to webhooks, and what became of it. body is what is sent, the same at every attempt; it is empty until the
-- first one where it tells of an upload or a stay. event_id is the same for every webhook that is told of an event.
CREATE TABLE webhook_delivery (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  webhook_id INTEGER NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
  event TEXT NOT NULL,
  event_id TEXT NOT NULL CHECK (event_id <> ''),
  event_at INTEGER NOT NULL,
  attachment_guid TEXT,
  conversation_id INTEGER,
  body TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL CHECK (state IN ('queued', 'succeeded', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL,
  -- While a worker has it; a crash lets the lease run out.
  lease_until INTEGER NOT NULL DEFAULT 0,
  is_test INTEGER NOT NULL DEFAULT 0,
  -- The receiver let the file pass.
  has_passed INTEGER NOT NULL DEFAULT 0,
  request_headers TEXT NOT NULL DEFAULT '',
  response_status INTEGER,
  response_body TEXT NOT NULL DEFAULT '',
  error TEXT,
  took_millis INTEGER,
  last_attempt_at INTEGER,
  created_at INTEGER NOT NULL,
  UNIQUE (webhook_id, event_id)
) STRICT;
CREATE INDEX webhook_delivery_due ON webhook_delivery (next_attempt_at) WHERE state = 'queued';
CREATE INDEX webhook_delivery_webhook ON webhook_delivery (webhook_id, id);
CREATE INDEX webhook_delivery_attachment ON webhook_delivery (attachment_guid) WHERE attachment_guid IS NOT NULL;
CREATE INDEX webhook_delivery_finished ON webhook_delivery (created_at) WHERE state <> 'queued';

------------------------------------------------------------------------------------------------------------------------
-- Mail in and out
------------------------------------------------------------------------------------------------------------------------

-- The ledger: one row for each mail a server offered us, written before anything looks inside. A mail is known by
-- account and UIDL; the SHA-256 of its bytes recognises it when a server renumbers. outcome is NULL until decided.
CREATE TABLE inbound_mail (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email_account_id INTEGER NOT NULL REFERENCES email_account (id) ON DELETE CASCADE,
  uidl TEXT NOT NULL,
  -- NULL when the mail was left on the server, being too large, or went when its conversation was deleted for good.
  blob_id INTEGER REFERENCES blob (id),
  sha256 BLOB,
  size_bytes INTEGER NOT NULL,
  outcome TEXT CHECK (outcome IN ('created', 'appended', 'junk', 'rejected', 'ignored', 'quarantined')),
  reason TEXT NOT NULL DEFAULT '',
  -- The header or rule that decided, for example "In-Reply-To token".
  matched_by TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL DEFAULT 0,
  -- Filled in by the parser, for the ledger page and for finding the same mail in another account.
  internet_message_id TEXT,
  content_hash BLOB,
  from_address TEXT NOT NULL DEFAULT '',
  subject TEXT NOT NULL DEFAULT '',
  -- human, autoReply, outOfOffice, hardBounce, softBounce, delayedBounce, list, bulk, feedbackReport or loop, and what
  -- said so.
  kind TEXT NOT NULL DEFAULT '',
  classified_by TEXT,
  conversation_id INTEGER REFERENCES conversation (id) ON DELETE SET NULL,
  message_id INTEGER,
  is_on_server INTEGER NOT NULL DEFAULT 1,
  received_at INTEGER NOT NULL,
  processed_at INTEGER,
  UNIQUE (email_account_id, uidl)
) STRICT;
CREATE INDEX inbound_mail_sha256 ON inbound_mail (email_account_id, sha256);
CREATE INDEX inbound_mail_content ON inbound_mail (content_hash) WHERE content_hash IS NOT NULL;
CREATE INDEX inbound_mail_waiting ON inbound_mail (next_attempt_at, id) WHERE outcome IS NULL;
CREATE INDEX inbound_mail_outcome ON inbound_mail (outcome, id);
CREATE INDEX inbound_mail_blob ON inbound_mail (blob_id);
CREATE INDEX inbound_mail_conversation ON inbound_mail (conversation_id);

-- What becomes of new mail from an address or a whole domain. An address decides before its domain; 'allow' is ours,
-- and lets one address of a blocked domain in.
CREATE TABLE blocked_sender (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- An address, or a domain without '@'.
  email TEXT NOT NULL UNIQUE COLLATE NOCASE,
  action TEXT NOT NULL CHECK (action IN ('junk', 'reject', 'allow')),
  created_by_id INTEGER REFERENCES agent (id),
  created_at INTEGER NOT NULL
) STRICT;

-- Mail that a blocked sender's entry kept from becoming a conversation, as it was cleaned then. cause says which entry.
-- When it becomes a conversation after all, the row goes.
CREATE TABLE junk_email (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  inbound_mail_id INTEGER REFERENCES inbound_mail (id) ON DELETE SET NULL,
  email_account_id INTEGER REFERENCES email_account (id) ON DELETE SET NULL,
  subject TEXT NOT NULL,
  from_name TEXT NOT NULL DEFAULT '',
  from_address TEXT NOT NULL,
  to_addresses TEXT NOT NULL DEFAULT '',
  cc_addresses TEXT NOT NULL DEFAULT '',
  html_body TEXT NOT NULL DEFAULT '',
  plain_body TEXT NOT NULL DEFAULT '',
  quote TEXT NOT NULL DEFAULT '',
  internet_message_id TEXT,
  authentication TEXT CHECK (authentication IN ('passed', 'failed', 'unknown')),
  authentication_said TEXT NOT NULL DEFAULT '',
  sender_warnings TEXT NOT NULL DEFAULT '',
  cause TEXT NOT NULL,
  is_simplified INTEGER NOT NULL DEFAULT 0,
  has_remote_images INTEGER NOT NULL DEFAULT 0,
  is_read INTEGER NOT NULL DEFAULT 0,
  received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX junk_email_received ON junk_email (received_at, id);
CREATE INDEX junk_email_inbound_mail ON junk_email (inbound_mail_id);

-- The queue out. Everything needed to build the mail is frozen here when it is queued, in the transaction of the
-- reply that caused it; attachments hang on message_id. state: queued, held (waits for a person), sent, failed.
CREATE TABLE outgoing_mail (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email_account_id INTEGER REFERENCES email_account (id) ON DELETE SET NULL,
  conversation_id INTEGER REFERENCES conversation (id) ON DELETE CASCADE,
  message_id INTEGER REFERENCES message (id) ON DELETE CASCADE,
  internet_message_id TEXT NOT NULL UNIQUE,
  from_name TEXT NOT NULL DEFAULT '',
  from_address TEXT NOT NULL DEFAULT '',
  subject TEXT NOT NULL,
  text_body TEXT NOT NULL,
  html_body TEXT NOT NULL DEFAULT '',
  in_reply_to TEXT,
  -- Message-IDs, oldest first, separated by blanks.
  reference_ids TEXT NOT NULL DEFAULT '',
  is_automatic INTEGER NOT NULL DEFAULT 0,
  -- Holds a way to sign in: its text is never shown to anybody but its recipient.
  is_confidential INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL CHECK (state IN ('queued', 'held', 'sent', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL,
  -- Mail that an agent wants to leave later; and until when it is offered to be taken back. Both hold the first attempt.
  scheduled_at INTEGER,
  undo_until INTEGER,
  -- While a worker has it; a crash lets the lease run out.
  lease_until INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  created_at INTEGER NOT NULL,
  sent_at INTEGER
) STRICT;
CREATE INDEX outgoing_mail_due ON outgoing_mail (next_attempt_at) WHERE state = 'queued';
CREATE INDEX outgoing_mail_state ON outgoing_mail (state, id);
CREATE INDEX outgoing_mail_message ON outgoing_mail (message_id);
CREATE INDEX outgoing_mail_conversation ON outgoing_mail (conversation_id);

-- What agents are to be told by mail, until it is: a burst becomes one mail (desk/notice/mail.rs). sentence says what
-- happened; conversation_id is NULL where it is about an e-mail account.
CREATE TABLE notice (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  conversation_id INTEGER REFERENCES conversation (id) ON DELETE CASCADE,
  message_id INTEGER REFERENCES message (id) ON DELETE SET NULL,
  sentence TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX notice_agent ON notice (agent_id, created_at);
CREATE INDEX notice_conversation ON notice (conversation_id);
CREATE INDEX notice_message ON notice (message_id);

-- Texts of mails that leave by themselves, where a site changed the product's own (desk/mail_template.rs).
CREATE TABLE mail_template (
  kind TEXT PRIMARY KEY CHECK (kind IN ('acknowledgement', 'portalReply')),
  is_enabled INTEGER NOT NULL,
  subject TEXT NOT NULL,
  html_body TEXT NOT NULL,
  text_body TEXT NOT NULL
) STRICT;

-- When an address was last told that its message arrived: once a day is enough.
CREATE TABLE acknowledgement (
  address TEXT PRIMARY KEY COLLATE NOCASE,
  sent_at INTEGER NOT NULL
) STRICT;

-- What happened for each recipient. answer is what the server last said.
CREATE TABLE outgoing_recipient (
  outgoing_mail_id INTEGER NOT NULL REFERENCES outgoing_mail (id) ON DELETE CASCADE,
  address TEXT NOT NULL COLLATE NOCASE,
  kind TEXT NOT NULL CHECK (kind IN ('to', 'cc')),
  name TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'deferred', 'failed')),
  answer TEXT,
  PRIMARY KEY (outgoing_mail_id, address)
) STRICT, WITHOUT ROWID;
-- Budget of automatic mail for an address.
CREATE INDEX outgoing_recipient_address ON outgoing_recipient (address, outgoing_mail_id);

-- Files that a mail carries beside those of its message.
CREATE TABLE outgoing_attachment (
  outgoing_mail_id INTEGER NOT NULL REFERENCES outgoing_mail (id) ON DELETE CASCADE,
  attachment_id INTEGER NOT NULL REFERENCES attachment (id) ON DELETE CASCADE,
  PRIMARY KEY (outgoing_mail_id, attachment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX outgoing_attachment_attachment ON outgoing_attachment (attachment_id);

------------------------------------------------------------------------------------------------------------------------
-- Automation: who gets a conversation, what happens by itself, and why
------------------------------------------------------------------------------------------------------------------------

-- The site's routing of new conversations (contract 15.1): no row until it is first enabled or changed. Targets are
-- no foreign keys: one that was deleted is skipped, and shown as a warning.
CREATE TABLE routing (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  is_enabled INTEGER NOT NULL DEFAULT 0,
  is_custom INTEGER NOT NULL DEFAULT 0,
  simple_object TEXT NOT NULL DEFAULT 'department' CHECK (simple_object IN ('department', 'agent')),
  simple_id INTEGER NOT NULL DEFAULT 0,
  simple_priority INTEGER NOT NULL DEFAULT 3 CHECK (simple_priority BETWEEN 1 AND 4),
  failed_object TEXT NOT NULL DEFAULT 'department' CHECK (failed_object IN ('department', 'agent')),
  failed_id INTEGER NOT NULL DEFAULT 0,
  failed_priority INTEGER NOT NULL DEFAULT 3 CHECK (failed_priority BETWEEN 1 AND 4)
) STRICT;

CREATE TABLE routing_rule (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  is_enabled INTEGER NOT NULL,
  name TEXT NOT NULL,
  match_when TEXT NOT NULL DEFAULT 'all' CHECK (match_when IN ('any', 'all', 'logicalExpression')),
  logic_expression TEXT,
  object TEXT NOT NULL CHECK (object IN ('department', 'agent')),
  target_id INTEGER NOT NULL,
  priority INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 4),
  position INTEGER NOT NULL
) STRICT;

-- One row: auto allocation of new conversations (contract 15.3). The rule and the preference are for conversations
-- without a department and departments without a row of their own.
CREATE TABLE auto_allocation (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  is_enabled INTEGER NOT NULL DEFAULT 0,
  rule TEXT NOT NULL DEFAULT 'loadBalancing' CHECK (rule IN ('loadBalancing', 'roundRobin')),
  prefers_last_assignee INTEGER NOT NULL DEFAULT 0,
  -- 1: common_limit holds for all agents; 0: agent_availability.max_conversations for each. A limit of 0 is none.
  has_common_limit INTEGER NOT NULL DEFAULT 1,
  common_limit INTEGER NOT NULL DEFAULT 20,
  excludes_pending_external INTEGER NOT NULL DEFAULT 0,
  excludes_on_hold INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE department_allocation (
  department_id INTEGER PRIMARY KEY REFERENCES department (id) ON DELETE CASCADE,
  rule TEXT NOT NULL CHECK (rule IN ('loadBalancing', 'roundRobin')),
  prefers_last_assignee INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Round robin: whom a department's last conversation went to; department 0 stands for none.
CREATE TABLE allocation_pointer (
  department_id INTEGER PRIMARY KEY,
  agent_id INTEGER NOT NULL
) STRICT;

-- What happens by itself (contract 16). event: 1 created, 2 reply received, 3 agent replied, 4 assignee changed, 5 status
-- changed, 6 stays at a status; status, span and unit are those of 5 (only status) and 6. A stay counts from enabled_at.
CREATE TABLE trigger (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  event INTEGER NOT NULL CHECK (event BETWEEN 1 AND 6),
  is_enabled INTEGER NOT NULL,
  enabled_at INTEGER NOT NULL,
  position INTEGER NOT NULL,
  match_when TEXT NOT NULL DEFAULT 'all' CHECK (match_when IN ('any', 'all', 'logicalExpression')),
  logic_expression TEXT,
  status INTEGER CHECK (status BETWEEN 1 AND 5),
  span INTEGER CHECK (1 <= span),
  unit TEXT NOT NULL DEFAULT 'hours' CHECK (unit IN ('minutes', 'hours', 'days')),
  -- Stays that began earlier were dealt with.
  checked_until INTEGER NOT NULL DEFAULT 0,
  -- Whether its mail becomes a message of the conversation.
  is_shown INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What a trigger sets, in order. value is as it was written: options, agents and departments may be gone meanwhile.
CREATE TABLE trigger_value (
  trigger_id INTEGER NOT NULL REFERENCES trigger (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  field_id INTEGER NOT NULL REFERENCES field (id),
  value TEXT NOT NULL,
  PRIMARY KEY (trigger_id, position)
) STRICT, WITHOUT ROWID;

-- The mail that a trigger sends. agents is a JSON array of ids.
CREATE TABLE trigger_mail (
  trigger_id INTEGER PRIMARY KEY REFERENCES trigger (id) ON DELETE CASCADE,
  to_contact INTEGER NOT NULL,
  to_assignee INTEGER NOT NULL,
  agents TEXT NOT NULL DEFAULT '[]',
  subject TEXT NOT NULL,
  html_body TEXT NOT NULL,
  text_body TEXT NOT NULL
) STRICT;

CREATE TABLE trigger_attachment (
  trigger_id INTEGER NOT NULL REFERENCES trigger (id) ON DELETE CASCADE,
  attachment_id INTEGER NOT NULL REFERENCES attachment (id) ON DELETE CASCADE,
  PRIMARY KEY (trigger_id, attachment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX trigger_attachment_attachment ON trigger_attachment (attachment_id);

-- A stay at a status that a trigger has dealt with: once for each stay, known by when it began.
CREATE TABLE trigger_stay (
  trigger_id INTEGER NOT NULL REFERENCES trigger (id) ON DELETE CASCADE,
  conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  since INTEGER NOT NULL,
  PRIMARY KEY (trigger_id, conversation_id, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX trigger_stay_conversation ON trigger_stay (conversation_id);

-- How fast conversations must be answered and closed (contract 18), in minutes; NULL is no target. The first enabled
-- policy by position that matches applies. A deleted one stays for the names in reports.
CREATE TABLE sla_policy (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  is_enabled INTEGER NOT NULL DEFAULT 1,
  first_minutes INTEGER,
  next_minutes INTEGER,
  resolve_minutes INTEGER,
  -- Whether the clocks run in working time only.
  is_business_hours INTEGER NOT NULL DEFAULT 0,
  match_when TEXT NOT NULL DEFAULT 'all' CHECK (match_when IN ('any', 'all', 'logicalExpression')),
  logic_expression TEXT,
  position INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;

-- One row while open conversations are given their policies and due times again: how far that has come.
CREATE TABLE sla_sweep (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  after_id INTEGER NOT NULL
) STRICT;

-- The working week in the site's time zone. weekday 0 is Sunday. A day that is off keeps its hours.
CREATE TABLE working_time (
  weekday INTEGER PRIMARY KEY CHECK (weekday BETWEEN 0 AND 6),
  is_business_day INTEGER NOT NULL
) STRICT;

-- Minutes after the weekday's midnight; an end past 1440 is a shift that runs into the next day.
CREATE TABLE working_interval (
  weekday INTEGER NOT NULL REFERENCES working_time (weekday),
  start_minute INTEGER NOT NULL CHECK (start_minute BETWEEN 0 AND 1439),
  end_minute INTEGER NOT NULL CHECK (end_minute BETWEEN start_minute + 1 AND start_minute + 1440),
  PRIMARY KEY (weekday, start_minute)
) STRICT, WITHOUT ROWID;

-- Days that are off; a yearly one every year on that month and day. date is YYYY-MM-DD.
CREATE TABLE holiday (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  title TEXT NOT NULL,
  date TEXT NOT NULL UNIQUE,
  is_yearly INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Why something happened by itself, or did not. trace is JSON (desk/decision.rs) that can be evaluated again.
CREATE TABLE decision (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('account', 'routing', 'allocation', 'trigger', 'sla')),
  trace TEXT NOT NULL
) STRICT;
CREATE INDEX decision_conversation ON decision (conversation_id, id);
-- Old ones go.
CREATE INDEX decision_at ON decision (at);

-- Rules as they stood when they decided: named by the hash of the text, which traces point at. No trace that does is
-- more than a day younger than used_at.
CREATE TABLE rule_set (
  hash TEXT PRIMARY KEY,
  body TEXT NOT NULL,
  used_at INTEGER NOT NULL
) STRICT;

-- One row: a number that is another one after every change of what rules are made from. See desk/rule_set.rs.
CREATE TABLE rule_version (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL
) STRICT;
CREATE TRIGGER routing_insert AFTER INSERT ON routing BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER routing_update AFTER UPDATE ON routing BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER routing_delete AFTER DELETE ON routing BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER routing_rule_insert AFTER INSERT ON routing_rule BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER routing_rule_update AFTER UPDATE ON routing_rule BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER routing_rule_delete AFTER DELETE ON routing_rule BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER condition_insert AFTER INSERT ON condition BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER condition_update AFTER UPDATE ON condition BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER condition_delete AFTER DELETE ON condition BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER field_insert AFTER INSERT ON field BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER field_update AFTER UPDATE ON field BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER field_delete AFTER DELETE ON field BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER field_option_insert AFTER INSERT ON field_option BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER field_option_update AFTER UPDATE ON field_option BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER field_option_delete AFTER DELETE ON field_option BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER sla_policy_insert AFTER INSERT ON sla_policy BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER sla_policy_update AFTER UPDATE ON sla_policy BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER sla_policy_delete AFTER DELETE ON sla_policy BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER holiday_insert AFTER INSERT ON holiday BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER holiday_update AFTER UPDATE ON holiday BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER holiday_delete AFTER DELETE ON holiday BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER working_time_update AFTER UPDATE ON working_time BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER working_interval_insert AFTER INSERT ON working_interval BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER site_sla_pause AFTER UPDATE OF sla_pause_statuses ON site BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER trigger_insert AFTER INSERT ON trigger BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER trigger_update AFTER UPDATE OF name, event, is_enabled, position, match_when, logic_expression, status, span, unit ON trigger
BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER trigger_delete AFTER DELETE ON trigger BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER trigger_value_insert AFTER INSERT ON trigger_value BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER trigger_value_update AFTER UPDATE ON trigger_value BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER trigger_value_delete AFTER DELETE ON trigger_value BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER trigger_mail_insert AFTER INSERT ON trigger_mail BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER trigger_mail_update AFTER UPDATE ON trigger_mail BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER trigger_mail_delete AFTER DELETE ON trigger_mail BEGIN UPDATE rule_version SET version = random(); END;
-- What rules name: whether it is there still is part of a set.
CREATE TRIGGER agent_gone AFTER UPDATE OF is_active, deleted_at ON agent BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER department_delete AFTER DELETE ON department BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER tag_delete AFTER DELETE ON tag BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER contact_gone AFTER UPDATE OF deleted_at ON contact BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER email_account_insert AFTER INSERT ON email_account BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER email_account_email AFTER UPDATE OF email ON email_account BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER email_account_delete AFTER DELETE ON email_account BEGIN UPDATE rule_version SET version = random(); END;
CREATE TRIGGER site_time_zone AFTER UPDATE OF time_zone ON site BEGIN UPDATE rule_version SET version = random(); END;

-- Draft rules replayed on recorded history. current and draft are both sets, ready to decide (JSON); last_id is how far
-- the replay has come, so that it goes on after a crash.
CREATE TABLE rehearsal (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('routing', 'trigger', 'sla')),
  from_at INTEGER NOT NULL,
  to_at INTEGER NOT NULL,
  current TEXT NOT NULL,
  draft TEXT NOT NULL,
  -- What the draft's rules name and is gone: a JSON array of sentences.
  warnings TEXT NOT NULL DEFAULT '[]',
  state TEXT NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
  last_id INTEGER NOT NULL DEFAULT 0,
  total INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  totals TEXT NOT NULL DEFAULT '{}',
  error TEXT,
  created_by_id INTEGER REFERENCES agent (id),
  created_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE INDEX rehearsal_running ON rehearsal (id) WHERE state = 'running';

CREATE TABLE rehearsal_difference (
  rehearsal_id INTEGER NOT NULL REFERENCES rehearsal (id) ON DELETE CASCADE,
  conversation_id INTEGER NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (rehearsal_id, conversation_id)
) STRICT, WITHOUT ROWID;

------------------------------------------------------------------------------------------------------------------------
-- What happened, and what runs
------------------------------------------------------------------------------------------------------------------------

-- The event log: written in the transaction of the change. The id is the order. detail is JSON.
CREATE TABLE event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor_type TEXT NOT NULL CHECK (actor_type IN ('agent', 'contact', 'system')),
  actor_id INTEGER,
  conversation_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT '{}',
  depth INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX event_conversation ON event (conversation_id, id);

-- The audit log: what was changed in the settings, and who signed in (contract 24). Rows are only ever added.
-- agent_name is as it was then; agent_id is NULL for what the program did by itself.
CREATE TABLE audit_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  agent_id INTEGER REFERENCES agent (id),
  agent_name TEXT NOT NULL,
  action TEXT NOT NULL,
  summary TEXT NOT NULL,
  details TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX audit_log_at ON audit_log (at, id);

-- Answers kept for a day, so that a POST sent again with the same Idempotency-Key is not done again. fingerprint is the
-- SHA-256 of the request; status is NULL while the first one runs. The body is encrypted with the key file.
CREATE TABLE kept_answer (
  agent_id INTEGER NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  status INTEGER,
  location TEXT,
  sealed_body BLOB,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (agent_id, key)
) STRICT;
CREATE INDEX kept_answer_created ON kept_answer (created_at);

-- How far each reader of the log has come. It moves in the transaction of what the reader did.
CREATE TABLE cursor (
  consumer TEXT PRIMARY KEY,
  event_id INTEGER NOT NULL
) STRICT;

-- One row for each job of jobs/mod.rs.
CREATE TABLE job (
  name TEXT PRIMARY KEY,
  last_started_at INTEGER,
  last_finished_at INTEGER,
  last_error TEXT,
  next_run_at INTEGER,
  runs INTEGER NOT NULL DEFAULT 0
) STRICT;

------------------------------------------------------------------------------------------------------------------------
-- What every file starts with
------------------------------------------------------------------------------------------------------------------------

INSERT INTO appearance (id) VALUES (1);
INSERT INTO auto_allocation (id) VALUES (1);
INSERT INTO rule_version (id, version) VALUES (1, random());

-- Monday to Friday, 9 to 18.
INSERT INTO working_time (weekday, is_business_day) VALUES (0, 0), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 0);
INSERT INTO working_interval (weekday, start_minute, end_minute) SELECT weekday, 540, 1080 FROM working_time;
INSERT INTO password_policy (id) VALUES (1);

INSERT INTO role (id, name, description, is_system) VALUES
  (1, 'Site Administrators', 'Every permission.', 1),
  (2, 'All Agents', 'What every agent may do.', 1);

INSERT INTO role_permission (role_id, permission) VALUES
  (2, 'manageAssignedToMeConversations'),
  (2, 'viewConversationsWithNoDepartment'),
  (2, 'manageConversationsWithNoDepartment'),
  (2, 'viewConversationsInMyDepartments'),
  (2, 'manageConversationsInMyDepartments'),
  (2, 'viewReports'),
  (2, 'viewContacts'),
  (2, 'manageMyProfile'),
  (2, 'managePrivateCannedMessages');

INSERT INTO field (id, name, type, position, default_value) VALUES
  (1, 'Conversation Id', 'integer', 1, ''),
  (2, 'Subject', 'text', 2, ''),
  (3, 'Department Assignee', 'department', 3, ''),
  (4, 'Agent Assignee', 'operator', 4, ''),
  (5, 'Status', 'dropdownList', 5, 'new'),
  (6, 'Priority', 'dropdownList', 6, 'normal'),
  (7, 'Channel', 'dropdownList', 7, ''),
  (8, 'Date Created', 'date', 8, ''),
  (9, 'Last Activity Time', 'date', 9, ''),
  (10, 'Last Status Change Time', 'date', 10, ''),
  (11, 'Close Time', 'date', 11, ''),
  (12, 'Total Replies', 'integer', 12, ''),
  (13, 'Contact', 'integer', 13, ''),
  (14, '@Mentioned Agent', 'operator', 14, ''),
  (15, 'Received From', 'email', 15, ''),
  (16, 'Tag', 'checkboxList', 16, ''),
  (17, 'Last Reply Time', 'date', 17, ''),
  (18, 'Is Read', 'checkbox', 18, ''),
  (19, 'Contact Email', 'email', 19, ''),
  (20, 'Contact Company', 'text', 20, '');

-- The site's own fields and filters start at 1000.
UPDATE sqlite_sequence SET seq = 999 WHERE name = 'field';
INSERT INTO sqlite_sequence (name, seq) VALUES ('filter', 999);
