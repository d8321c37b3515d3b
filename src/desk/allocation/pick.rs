//! Choosing one agent among the members of a department (contract 15.4, steps 2 to 5). Pure, so that a stored choice
//! can be made again.

use serde::{Deserialize, Serialize};

use super::Rule;
use crate::ids::AgentId;

/// An agent who might get a conversation, as they stood when it was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub agent: AgentId,
    pub load: i64,
    /// 0 is none.
    pub limit: i64,
    pub is_online: bool,
    pub is_accepting: bool,
    /// Milliseconds; `None` for one who was never given anything.
    pub last_allocated: Option<i64>,
}

/// Why a candidate can or cannot be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Eligible,
    NotOnline,
    NotAccepting,
    Full,
}

impl Candidate {
    pub fn standing(&self) -> Standing {
        if !self.is_online {
            Standing::NotOnline
        } else if !self.is_accepting {
            Standing::NotAccepting
        } else if self.limit != 0 && self.limit <= self.load {
            Standing::Full
        } else {
            Standing::Eligible
        }
    }
}

/// Everything that a choice depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    pub rule: Rule,
    /// The agent of the contact's most recent other conversation, where they are preferred.
    pub preferred: Option<AgentId>,
    /// Round robin: whom the department's last conversation went to.
    pub pointer: AgentId,
    /// By id.
    pub candidates: Vec<Candidate>,
}

/// The agent who gets it: the preferred one; else the one with the lowest load, of several the one who was given
/// nothing for longest, then the lowest id; or with round robin the next id after the pointer. `None` when nobody can.
pub fn pick(choice: &Choice) -> Option<AgentId> {
    let eligible = || choice.candidates.iter().filter(|candidate| candidate.standing() == Standing::Eligible);
    if let Some(preferred) = choice.preferred
        && eligible().any(|candidate| candidate.agent == preferred)
    {
        return Some(preferred);
    }
    let chosen = match choice.rule {
        Rule::LoadBalancing => eligible()
            .min_by_key(|candidate| (candidate.load, candidate.last_allocated.unwrap_or(0), candidate.agent)),
        Rule::RoundRobin => {
            eligible().min_by_key(|candidate| (candidate.agent <= choice.pointer, candidate.agent))
        }
    };
    chosen.map(|candidate| candidate.agent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(agent: i64, load: i64, last_allocated: i64) -> Candidate {
        Candidate {
            agent: AgentId(agent),
            load,
            limit: 5,
            is_online: true,
            is_accepting: true,
            last_allocated: Some(last_allocated).filter(|at| *at != 0),
        }
    }

    fn choice(rule: Rule, candidates: Vec<Candidate>) -> Choice {
        Choice { rule, preferred: None, pointer: AgentId(0), candidates }
    }

    #[test]
    fn the_lowest_load_wins_then_the_longest_wait_then_the_lowest_id() {
        let of = |candidates| pick(&choice(Rule::LoadBalancing, candidates)).map(|agent| agent.0);
        assert_eq!(of(vec![candidate(1, 2, 0), candidate(2, 1, 9)]), Some(2));
        assert_eq!(of(vec![candidate(1, 1, 8), candidate(2, 1, 7)]), Some(2));
        assert_eq!(of(vec![candidate(1, 1, 8), candidate(2, 1, 0)]), Some(2));
        assert_eq!(of(vec![candidate(3, 1, 7), candidate(2, 1, 7)]), Some(2));
        assert_eq!(of(vec![candidate(1, 5, 0)]), None);
        assert_eq!(of(vec![]), None);
    }

    #[test]
    fn round_robin_goes_on_after_the_pointer_and_starts_again() {
        let mut choice =
            choice(Rule::RoundRobin, vec![candidate(1, 4, 0), candidate(2, 5, 0), candidate(3, 0, 0)]);
        for (pointer, next) in [(0, 1), (1, 3), (2, 3), (3, 1), (9, 1)] {
            choice.pointer = AgentId(pointer);
            assert_eq!(pick(&choice), Some(AgentId(next)), "after {pointer}");
        }
    }

    #[test]
    fn a_preferred_agent_wins_only_when_eligible() {
        let mut choice = choice(Rule::LoadBalancing, vec![candidate(1, 0, 0), candidate(2, 4, 0)]);
        choice.preferred = Some(AgentId(2));
        assert_eq!(pick(&choice), Some(AgentId(2)));
        choice.candidates[1].is_online = false;
        assert_eq!(pick(&choice), Some(AgentId(1)));
        choice.candidates[0].is_accepting = false;
        assert_eq!(pick(&choice), None);
    }

    #[test]
    fn a_limit_of_zero_is_none() {
        let mut one = candidate(1, 500, 0);
        one.limit = 0;
        assert_eq!(one.standing(), Standing::Eligible);
    }
}
