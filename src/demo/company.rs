//! The company whose support desk the demo shows: Fernweh Bikes, a web shop for touring bicycles and spare
//! parts. Its agents, departments, tags and mail account. An agent's, a department's or a tag's id is its
//! place here, from 1.

use crate::db::Tx;
use crate::error::{Error, Result};

pub const ACCOUNT: &str = "support@fernweh-bikes.example";
/// Whom the demo keeps out from the beginning.
pub const SPAMMER: &str = "winner@prize-department.example";
pub const ACCOUNT_NAME: &str = "Fernweh Bikes";
pub const ACCOUNT_ID: i64 = 1;
pub const DOMAIN: &str = "fernweh-bikes.example";
/// The key of the one administrator.
pub const ADMINISTRATOR: &str = "ann";
pub const TIME_ZONE: &str = "Europe/Berlin";

pub struct Agent {
    /// Local part of the address, and how stories call the agent.
    pub key: &'static str,
    pub name: &'static str,
    pub title: &'static str,
    pub bio: &'static str,
    pub phone: &'static str,
    pub departments: &'static [&'static str],
}

pub const AGENTS: &[Agent] = &[
    Agent {
        key: "ann",
        name: "Ann Becker",
        title: "Head of Support",
        bio: "Rides to work in every weather. English, German.",
        phone: "+49 30 23125 101",
        departments: &["Support", "Sales", "Billing", "Returns", "Workshop"],
    },
    Agent {
        key: "luis",
        name: "Luis Ortega",
        title: "Support",
        bio: "Spanish, Portuguese, English.",
        phone: "+49 30 23125 102",
        departments: &["Support", "Returns"],
    },
    Agent {
        key: "camille",
        name: "Camille Renard",
        title: "Support",
        bio: "French, English. Knows every shipping rule between here and Brest.",
        phone: "+49 30 23125 103",
        departments: &["Support", "Sales"],
    },
    Agent {
        key: "mei",
        name: "Mei Lin",
        title: "Sales, Asia and Pacific",
        bio: "Chinese, Japanese, English.",
        phone: "+49 30 23125 104",
        departments: &["Sales", "Support"],
    },
    Agent {
        key: "jonas",
        name: "Jonas Weber",
        title: "Workshop",
        bio: "Bicycle mechanic since 2009; answers what a wrench answers.",
        phone: "+49 30 23125 105",
        departments: &["Workshop", "Support"],
    },
    Agent {
        key: "sofia",
        name: "Sofia Almeida",
        title: "Billing",
        bio: "Invoices, refunds, leasing. Portuguese, Spanish, German.",
        phone: "+49 30 23125 106",
        departments: &["Billing"],
    },
    Agent {
        key: "piotr",
        name: "Piotr Nowak",
        title: "Returns and warranty",
        bio: "Polish, German, English.",
        phone: "+49 30 23125 107",
        departments: &["Returns", "Workshop"],
    },
    Agent {
        key: "layla",
        name: "Layla Haddad",
        title: "Sales",
        bio: "Arabic, French, English. Dealers and fleets.",
        phone: "+49 30 23125 108",
        departments: &["Sales"],
    },
];

pub const DEPARTMENTS: &[(&str, &str)] = &[
    ("Support", "Orders, deliveries and everything else"),
    ("Sales", "Advice before buying, dealers, fleets"),
    ("Billing", "Invoices, payments, refunds"),
    ("Returns", "Returns, exchanges, warranty cases"),
    ("Workshop", "Technical questions, spare parts, e-bike systems"),
];

pub const TAGS: &[&str] = &[
    "address change",
    "b2b",
    "complaint",
    "delivery",
    "e-bike",
    "invoice",
    "praise",
    "refund",
    "return",
    "size advice",
    "spare parts",
    "warranty",
];

impl Agent {
    pub fn email(&self) -> String {
        [self.key, "@", DOMAIN].concat()
    }
}

pub fn agent(key: &str) -> Option<i64> {
    position(AGENTS.iter().map(|agent| agent.key), key)
}

pub fn agent_name(id: i64) -> &'static str {
    AGENTS[id as usize - 1].name
}

pub fn department(name: &str) -> Option<i64> {
    position(DEPARTMENTS.iter().map(|(name, _)| *name), name)
}

pub fn tag(name: &str) -> Option<i64> {
    position(TAGS.iter().copied(), name)
}

fn position<'a>(mut names: impl Iterator<Item = &'a str>, name: &str) -> Option<i64> {
    names.position(|other| other == name).map(|index| index as i64 + 1)
}

/// Writes all of it into a file that has none of it yet. Everybody gets the same password.
pub fn write(tx: &Tx<'_>, password_hash: &str) -> Result<()> {
    tx.run("UPDATE site SET name = ?, time_zone = ?", (ACCOUNT_NAME, TIME_ZONE))?;
    let opened = tx.now().minus(super::calendar::days(800));
    for (name, description) in DEPARTMENTS {
        tx.insert("INSERT INTO department (name, description) VALUES (?, ?)", (name, description))?;
    }
    for name in TAGS {
        tx.insert("INSERT INTO tag (name) VALUES (?)", [name])?;
    }
    for agent in AGENTS {
        let (first, last) = agent.name.split_once(' ').unwrap_or((agent.name, ""));
        let is_admin = agent.key == ADMINISTRATOR;
        let id = tx.insert(
            "INSERT INTO agent (email, display_name, first_name, last_name, title, bio, mobile_phone,
               time_zone, is_admin, password_hash, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                agent.email(),
                agent.name,
                first,
                last,
                agent.title,
                agent.bio,
                agent.phone,
                TIME_ZONE,
                is_admin,
                password_hash,
                opened,
            ),
        )?;
        // What was overdue before the demo began is no news.
        tx.run(
            "INSERT INTO notice_choice (agent_id, kind, in_page, in_browser, by_mail)
             VALUES (?, 'slaBreached', 1, 1, 0)",
            [id],
        )?;
        for role in if is_admin { &[1, 2][..] } else { &[2] } {
            tx.run("INSERT INTO agent_role (agent_id, role_id) VALUES (?, ?)", (id, role))?;
        }
        for name in agent.departments {
            let department =
                department(name).ok_or_else(|| Error::internal(format!("no department {name}")))?;
            tx.run("INSERT INTO department_agent (department_id, agent_id) VALUES (?, ?)", (department, id))?;
        }
    }
    tx.insert(
        "INSERT INTO email_account (id, email, display_name, is_default, signature, smtp_server, created_at)
         VALUES (?, ?, ?, 1, ?, ?, ?)",
        (
            ACCOUNT_ID,
            ACCOUNT,
            ACCOUNT_NAME,
            "Fernweh Bikes · Werkstatthof 7 · Berlin · fernweh-bikes.example",
            // Never spoken to: what a demo sends is caught.
            ["mail.", DOMAIN].concat(),
            opened,
        ),
    )?;
    tx.insert(
        "INSERT INTO blocked_sender (email, action, created_by_id, created_at) VALUES (?, 'junk', ?, ?)",
        (SPAMMER, agent(ADMINISTRATOR), opened),
    )?;
    super::clock::write_policies(tx)
}
