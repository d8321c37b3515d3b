//! Permissions (contract 6.2), and the rights of one agent: what the roles and the agent's own permissions give, and
//! which departments are theirs.

use super::Actor;
use super::agent::ADMINISTRATORS;
use crate::db::Snapshot;
use crate::error::{Error, Result};
use crate::ids::{AgentId, DepartmentId, RoleId};

macro_rules! permissions {
    ($($variant:ident $name:literal $sentence:literal),+ $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Permission { $($variant),+ }

        impl Permission {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The contract's key, also as stored.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Completes "you may not …".
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence),+ }
            }
        }
    };
}

permissions!(
    ManageAssignedToMe "manageAssignedToMeConversations" "change conversations assigned to you",
    ViewWithNoDepartment "viewConversationsWithNoDepartment" "see conversations without a department",
    ManageWithNoDepartment "manageConversationsWithNoDepartment" "change conversations without a department",
    ViewInMyDepartments "viewConversationsInMyDepartments" "see conversations of your departments",
    ManageInMyDepartments "manageConversationsInMyDepartments" "change conversations of your departments",
    ManageBlockedSenders "manageBlockedSenders" "manage blocked senders",
    ManageJunk "manageJunkMessages" "manage junk mail",
    ViewAll "viewAllConversations" "see all conversations",
    ManageAll "manageAllConversations" "change all conversations",
    PermanentlyDelete "permanentlyDeleteConversations" "delete conversations permanently",
    ManageAllViews "manageAllViews" "manage other agents' filters",
    ManageChannels "manageChannels" "manage e-mail accounts",
    ManageSettings "manageSettings" "manage settings",
    ViewReports "viewReports" "see reports",
    ManageAgents "manageAgentAndRoles" "manage agents and roles",
    ManageDepartments "manageDepartments" "manage departments",
    ManageMyProfile "manageMyProfile" "change your profile",
    ManageSiteProfile "manageSiteProfile" "change the site's profile",
    ViewAuditLog "viewAuditLog" "see the audit log",
    ManageSecurity "manageSecurity" "manage security",
    ManagePublicCannedMessages "managePublicCannedMessages" "manage public canned messages",
    ManagePrivateCannedMessages "managePrivateCannedMessages" "manage private canned messages",
    ManageIntegration "manageIntegration" "manage integrations",
    ManageTags "manageTags" "manage tags",
    ViewContacts "viewContacts" "see contacts",
    ManageContacts "manageContacts" "manage contacts",
);

impl Permission {
    /// Whether it is about the whole product rather than conversations (contract 6.2 keeps them apart).
    pub fn is_global(self) -> bool {
        Self::ManageAgents as u64 <= self as u64
    }
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u64);

impl PermissionSet {
    /// What administrators have.
    pub fn all() -> Self {
        Self::of(Permission::ALL.iter().copied())
    }

    pub fn of(permissions: impl Iterator<Item = Permission>) -> Self {
        Self(permissions.fold(0, |set, permission| set | 1 << permission as u64))
    }

    fn named(names: &[String]) -> Self {
        let known = Permission::ALL.iter().copied();
        Self::of(known.filter(|permission| names.iter().any(|name| name == permission.name())))
    }

    pub fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u64) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }

    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The set after each permission was given (`true`) or taken away; one that is not named stays.
    pub fn changed(self, changes: &[(Permission, bool)]) -> Self {
        changes.iter().fold(self, |set, (permission, is_given)| {
            let one = Self(1 << *permission as u64);
            if *is_given { set.and(one) } else { set.without(one) }
        })
    }

    /// The names as the audit log shows them.
    pub fn names(self) -> String {
        self.iter().map(Permission::name).collect::<Vec<_>>().join(", ")
    }
}

/// What a role gives; administrators' gives everything.
pub fn of_role(s: &Snapshot<'_>, role: RoleId) -> Result<PermissionSet> {
    if role == ADMINISTRATORS {
        return Ok(PermissionSet::all());
    }
    let names =
        s.all("SELECT permission FROM role_permission WHERE role_id = ?", [role], |row| row.get(0))?;
    Ok(PermissionSet::named(&names))
}

/// What an agent has beside the roles.
pub fn own(s: &Snapshot<'_>, agent: AgentId) -> Result<PermissionSet> {
    let names =
        s.all("SELECT permission FROM agent_permission WHERE agent_id = ?", [agent], |row| row.get(0))?;
    Ok(PermissionSet::named(&names))
}

/// What an agent may do, by roles or by own permissions; active or not.
pub fn effective(s: &Snapshot<'_>, agent: AgentId) -> Result<PermissionSet> {
    if s.exists("SELECT 1 FROM agent WHERE id = ? AND is_admin = 1", [agent])? {
        return Ok(PermissionSet::all());
    }
    let names = s.all(
        "SELECT p.permission FROM agent_role r JOIN role_permission p ON p.role_id = r.role_id WHERE r.agent_id = ?1
         UNION
         SELECT permission FROM agent_permission WHERE agent_id = ?1",
        [agent],
        |row| row.get(0),
    )?;
    Ok(PermissionSet::named(&names))
}

/// Refuses to let an agent give to somebody what they do not have themselves.
pub fn may_grant(by: &Actor, permissions: PermissionSet) -> Result<()> {
    let Actor::Agent(rights) = by else { return Ok(()) };
    match permissions.without(rights.held()).iter().next() {
        Some(missing) => Err(Error::Forbidden(format!(
            "you may not give '{}', which you do not have yourself",
            missing.name()
        ))),
        None => Ok(()),
    }
}

/// An agent's rights as they are now. An administrator owns every permission.
#[derive(Debug, Clone)]
pub struct Rights {
    pub agent_id: AgentId,
    pub is_admin: bool,
    granted: PermissionSet,
    pub departments: Vec<DepartmentId>,
}

impl Rights {
    pub fn allows(&self, permission: Permission) -> bool {
        self.is_admin || self.granted.contains(permission)
    }

    /// Every permission that `allows` allows.
    pub fn held(&self) -> PermissionSet {
        if self.is_admin { PermissionSet::all() } else { self.granted }
    }

    /// The rights of an agent who is active and not deleted; `None` for any other.
    pub fn of(s: &Snapshot<'_>, agent: AgentId) -> Result<Option<Self>> {
        let Some(is_admin) = s.one(
            "SELECT is_admin FROM agent WHERE id = ? AND is_active = 1 AND deleted_at IS NULL",
            [agent],
            |row| row.get(0),
        )?
        else {
            return Ok(None);
        };
        let granted = effective(s, agent)?;
        Ok(Some(Self { agent_id: agent, is_admin, granted, departments: departments(s, agent)? }))
    }
}

/// Direct membership and membership through a role (contract 5).
fn departments(s: &Snapshot<'_>, agent: AgentId) -> Result<Vec<DepartmentId>> {
    s.all(
        "SELECT department_id FROM department_agent WHERE agent_id = ?1
         UNION
         SELECT d.department_id FROM department_role d JOIN agent_role r ON r.role_id = d.role_id
         WHERE r.agent_id = ?1",
        [agent],
        |row| row.get(0),
    )
}
