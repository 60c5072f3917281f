//! The store suite: what every engine has to do alike. It is run by the tests of each adapter, on an empty migrated
//! database per case, and panics where an engine differs.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "these are tests that only live in a library so that several adapters can run them"
)]

mod batches;
mod configurations;
mod fixture;
mod order;
mod passes;
mod reading;
mod recorder;
mod removals;
mod spoiled;
mod views;

use std::pin::Pin;

use cairn_registry::store::Db;

pub use recorder::{Record, Recorder, parameters};

/// One case.
pub type Case<D> = for<'a> fn(&'a D) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

macro_rules! cases {
    ($($module:ident :: $case:ident),+ $(,)?) => {
        /// All cases with their names.
        #[must_use]
        pub fn cases<D: Db + 'static>() -> Vec<(&'static str, Case<D>)> {
            vec![$((stringify!($case), |db| Box::pin($module::$case(db)))),+]
        }
    };
}

cases!(
    batches::a_batch_is_all_or_nothing,
    batches::a_large_batch_is_one_all_the_same,
    reading::pages_follow_the_byte_order_of_names_and_versions,
    reading::search_finds_what_a_plain_substring_test_finds,
    reading::terms_in_many_records_are_paged_like_terms_in_few,
    order::hits_are_paged_in_list_order_wherever_they_lie,
    reading::every_filter_agrees_with_a_filter_in_memory,
    reading::what_is_unknown_is_named,
    views::an_earlier_source_shadows_a_later_one,
    views::a_filter_change_hides_and_shows_without_a_fetch,
    views::a_strict_registry_hides_records_with_warnings,
    views::a_mirror_that_polls_misses_nothing,
    views::a_source_taken_out_leaves_tombstones,
    passes::an_unchanged_record_is_not_written,
    passes::what_vanished_becomes_a_tombstone_after_a_complete_pass_only,
    passes::a_resumed_pass_ends_like_an_uninterrupted_one,
    passes::a_lost_lease_stops_its_writer,
    passes::one_bad_record_never_costs_the_others,
    passes::findings_of_a_pass_are_bounded,
    passes::of_duplicates_the_later_one_wins,
    removals::removals_of_most_records_wait_for_a_second_pass,
    removals::removals_of_few_records_and_unbounded_ones_do_not_wait,
    removals::sources_that_move_elsewhere_remove_at_once,
    removals::leases_of_gone_holders_and_wrong_clocks_are_free,
    spoiled::records_that_turn_bad_keep_their_last_good_entry,
    spoiled::good_records_win_over_bad_ones_of_the_same_key,
    passes::an_id_that_is_taken_is_not_given_again,
    passes::a_source_is_due_when_its_row_says_so,
    passes::records_met_by_an_unset_clock_are_no_older_than_their_format,
    configurations::a_reader_with_an_older_configuration_writes_nothing,
    configurations::a_source_that_comes_again_remembers_nothing,
    configurations::a_view_that_nobody_has_made_is_not_called_made,
    configurations::what_was_judged_by_another_filter_since_is_not_called_judged,
);
