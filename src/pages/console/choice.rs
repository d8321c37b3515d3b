//! What conversations can be given: agents, departments and tags, as the console's menus offer them.

use crate::db::Snapshot;
use crate::desk::conversation::Conversation;
use crate::desk::{agent, department, tag};
use crate::error::Result;
use crate::ids::{AgentId, DepartmentId, TagId};

pub struct Choices {
    pub agents: Vec<(AgentId, String)>,
    pub departments: Vec<(DepartmentId, String)>,
    pub tags: Vec<(TagId, String)>,
}

impl Choices {
    pub fn new(s: &Snapshot<'_>) -> Result<Self> {
        let agents = agent::assignable(s)?.into_iter().map(|agent| (agent.id, agent.display_name));
        let departments = department::list(s)?.into_iter().filter(|found| found.is_available);
        Ok(Self {
            agents: agents.collect(),
            departments: departments.map(|found| (found.id, found.name)).collect(),
            tags: tag::names(s)?,
        })
    }

    /// Also offers who and where the conversation is now, active or not: saving other properties does not take it away.
    pub fn of(s: &Snapshot<'_>, conversation: &Conversation) -> Result<Self> {
        let mut choices = Self::new(s)?;
        if let Some(id) = conversation.agent_assignee_id
            && !choices.agents.iter().any(|(other, _)| *other == id)
        {
            choices.agents.extend(agent::names(s, &[id])?);
        }
        if let Some(id) = conversation.department_assignee_id
            && !choices.departments.iter().any(|(other, _)| *other == id)
        {
            choices.departments.extend(department::get(s, id)?.map(|found| (found.id, found.name)));
        }
        Ok(choices)
    }
}
