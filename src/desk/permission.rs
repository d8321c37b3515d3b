//! Permissions (contract 6.2), and the rights of one agent: what the roles give, and which departments are theirs.

use crate::db::Snapshot;
use crate::error::Result;
use crate::ids::{AgentId, DepartmentId};

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

/// An agent's rights as they are now. An administrator owns every permission.
#[derive(Debug, Clone)]
pub struct Rights {
    pub agent_id: AgentId,
    pub is_admin: bool,
    granted: u64,
    pub departments: Vec<DepartmentId>,
}

impl Rights {
    pub fn allows(&self, permission: Permission) -> bool {
        self.is_admin || self.granted & (1 << permission as u64) != 0
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
        let names: Vec<String> = s.all(
            "SELECT DISTINCT p.permission FROM agent_role r JOIN role_permission p ON p.role_id = r.role_id
             WHERE r.agent_id = ?",
            [agent],
            |row| row.get(0),
        )?;
        let granted = Permission::ALL
            .iter()
            .filter(|permission| names.iter().any(|name| name == permission.name()))
            .fold(0, |granted, permission| granted | 1 << *permission as u64);
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
