//! The pages of the settings by what they are about: their navigation, and which of them an agent may open.

use super::super::Layout;
use super::super::palette::Place;
use crate::app::App;
use crate::desk::{Actor, Permission};
use crate::error::Result;
use crate::web::SignedIn;

/// A page of the settings, as their navigation shows it. `about` is one sentence that explains its subject.
pub(super) struct Section {
    pub(super) href: &'static str,
    pub(super) name: &'static str,
    pub(super) icon: &'static str,
    pub(super) about: &'static str,
    permission: Permission,
}

/// Sections that belong together. One without sections that the agent may open is not shown.
struct Group {
    name: &'static str,
    sections: &'static [Section],
}

const GROUPS: &[Group] = &[
    Group {
        name: "You",
        sections: &[
            Section {
                href: "/console/settings/profile",
                name: "Profile",
                icon: "circle-user",
                about: "Your name, time zone, how the console behaves, and API key.",
                permission: Permission::ManageMyProfile,
            },
            Section {
                href: "/console/settings/notifications",
                name: "Notifications",
                icon: "bell",
                about: "What you are told in the console, by the browser and by mail.",
                permission: Permission::ManageMyProfile,
            },
            Section {
                href: "/console/settings/security",
                name: "Security",
                icon: "lock",
                about: "Your password, two-step sign-in, and where you are signed in.",
                permission: Permission::ManageMyProfile,
            },
        ],
    },
    Group {
        name: "Company",
        sections: &[
            Section {
                href: "/console/settings/site",
                name: "Site",
                icon: "house",
                about: "The name customers see, and the time zone.",
                permission: Permission::ManageSiteProfile,
            },
            Section {
                href: "/console/settings/appearance",
                name: "Appearance",
                icon: "palette",
                about: "Name, logo and colour of the portal.",
                permission: Permission::ManageSiteProfile,
            },
            Section {
                href: "/console/settings/working-time",
                name: "Working time",
                icon: "clock",
                about: "When the desk is open, and holidays.",
                permission: Permission::ManageSettings,
            },
            Section {
                href: "/console/settings/agents",
                name: "Agents",
                icon: "users",
                about: "Who answers, who administers.",
                permission: Permission::ManageAgents,
            },
            Section {
                href: "/console/settings/roles",
                name: "Roles",
                icon: "shield-check",
                about: "What several agents may do together.",
                permission: Permission::ManageAgents,
            },
            Section {
                href: "/console/settings/departments",
                name: "Departments",
                icon: "building-2",
                about: "Groups of agents that conversations are given to.",
                permission: Permission::ManageDepartments,
            },
        ],
    },
    Group {
        name: "Channels",
        sections: &[
            Section {
                href: "/console/settings/email-accounts",
                name: "E-mail accounts",
                icon: "mailbox",
                about: "Where mail comes from and leaves.",
                permission: Permission::ManageChannels,
            },
            Section {
                href: "/console/settings/sender-checks",
                name: "Sender checks",
                icon: "shield-check",
                about: "How it is known whether a mail is from whom it says.",
                permission: Permission::ManageChannels,
            },
            Section {
                href: "/console/settings/blocked-senders",
                name: "Blocked senders",
                icon: "ban",
                about: "Whose new mail is junk or dropped.",
                permission: Permission::ManageBlockedSenders,
            },
            Section {
                href: "/console/junk",
                name: "Junk",
                icon: "archive",
                about: "What blocked senders wrote, to read, restore or delete.",
                permission: Permission::ManageJunk,
            },
        ],
    },
    Group {
        name: "Conversations",
        sections: &[
            Section {
                href: "/console/settings/fields",
                name: "Fields",
                icon: "pencil",
                about: "What conversations have beside the usual, such as an order number.",
                permission: Permission::ManageSettings,
            },
            Section {
                href: "/console/settings/tags",
                name: "Tags",
                icon: "tag",
                about: "Words to find and count conversations by.",
                permission: Permission::ManageTags,
            },
            Section {
                href: "/console/settings/canned-messages",
                name: "Canned messages",
                icon: "message-square",
                about: "Texts to insert instead of typing them.",
                permission: Permission::ManagePrivateCannedMessages,
            },
        ],
    },
    Group {
        name: "Automation",
        sections: &[
            Section {
                href: "/console/settings/routing",
                name: "Routing",
                icon: "route",
                about: "Where new conversations go.",
                permission: Permission::ManageSettings,
            },
            Section {
                href: "/console/settings/auto-allocation",
                name: "Auto allocation",
                icon: "user-plus",
                about: "Which agent gets what nobody was assigned.",
                permission: Permission::ManageSettings,
            },
            Section {
                href: "/console/settings/triggers",
                name: "Triggers",
                icon: "zap",
                about: "What happens by itself when something happens.",
                permission: Permission::ManageSettings,
            },
            Section {
                href: "/console/settings/sla-policies",
                name: "Service levels",
                icon: "timer",
                about: "How fast conversations must be answered and closed.",
                permission: Permission::ManageSettings,
            },
            Section {
                href: "/console/settings/rehearsals",
                name: "Rehearsals",
                icon: "flask-conical",
                about: "What draft rules would have done with past conversations.",
                permission: Permission::ManageSettings,
            },
        ],
    },
    Group {
        name: "Integration",
        sections: &[
            Section {
                href: "/console/settings/webhooks",
                name: "Webhooks",
                icon: "plug",
                about: "URLs of other programs that are told what happens.",
                permission: Permission::ManageIntegration,
            },
            Section {
                href: "/console/settings/integration-accounts",
                name: "Integration accounts",
                icon: "plug",
                about: "Accounts on other platforms that channel apps have connected.",
                permission: Permission::ManageIntegration,
            },
        ],
    },
    Group {
        name: "Security",
        sections: &[
            Section {
                href: "/console/settings/password-policy",
                name: "Password policy",
                icon: "lock",
                about: "What passwords must be like, and when wrong ones lock an agent.",
                permission: Permission::ManageSecurity,
            },
            Section {
                href: "/console/settings/identity-provider",
                name: "Identity provider",
                icon: "id-card",
                about: "Signing in with the account that agents have at your company.",
                permission: Permission::ManageSecurity,
            },
            Section {
                href: "/console/settings/oauth-clients",
                name: "OAuth clients",
                icon: "plug",
                about: "Programs that agents may let act for them.",
                permission: Permission::ManageSecurity,
            },
            Section {
                href: "/console/settings/audit-log",
                name: "Audit log",
                icon: "scroll-text",
                about: "Who changed what in the settings, and who signed in.",
                permission: Permission::ViewAuditLog,
            },
        ],
    },
    Group {
        name: "Operation",
        sections: &[
            Section {
                href: "/console/settings/inbound-mails",
                name: "Incoming mail",
                icon: "mail-open",
                about: "Every mail a server offered us, and what became of it.",
                permission: Permission::ManageChannels,
            },
            Section {
                href: "/console/settings/outgoing-mails",
                name: "Outgoing mail",
                icon: "send",
                about: "What left, what waits, what failed and why.",
                permission: Permission::ManageChannels,
            },
            Section {
                href: "/console/settings/jobs",
                name: "Jobs",
                icon: "activity",
                about: "What runs by itself, when, and how it went.",
                permission: Permission::ManageChannels,
            },
        ],
    },
];

/// The sections an agent may open, in their groups.
pub(super) struct Nav {
    pub(super) here: &'static str,
    pub(super) groups: Vec<(&'static str, Vec<&'static Section>)>,
}

impl Nav {
    fn new(by: &Actor, here: &'static str) -> Self {
        let open = |group: &'static Group| {
            let sections: Vec<_> =
                group.sections.iter().filter(|section| by.require(section.permission).is_ok()).collect();
            (!sections.is_empty()).then_some((group.name, sections))
        };
        Self { here, groups: GROUPS.iter().filter_map(open).collect() }
    }
}

/// The frame of the settings page `here`; `Forbidden` to an agent who may not open it.
pub(super) fn frame(app: &App, signed_in: &SignedIn, here: &'static str) -> Result<(Layout, Nav)> {
    let mut sections = GROUPS.iter().flat_map(|group| group.sections);
    if let Some(section) = sections.find(|section| section.href == here) {
        signed_in.actor.require(section.permission)?;
    }
    let layout = app.read(|s| Layout::new(s, signed_in, "settings"))?;
    Ok((layout, Nav::new(&signed_in.actor, here)))
}

/// The pages that the agent may open, for finding one by its name.
pub fn places(by: &Actor) -> impl Iterator<Item = Place> {
    let sections = GROUPS.iter().flat_map(|group| group.sections);
    let open = sections.filter(move |section| by.require(section.permission).is_ok());
    open.map(|section| Place {
        href: section.href.to_owned(),
        icon: section.icon,
        name: section.name.to_owned(),
        detail: section.about.to_owned(),
    })
}
