//! Scores, segments, lists and cohorts of random customers, against definitions written out the
//! slow way: ranks by comparing everybody with everybody, segments by searching the table.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::fixture::{figures, whole};
use crate::analytics::{
    Breaks, CustomerPick, CustomerQuery, CustomerSort, Direction, Filter, GridBreaks, Month,
    Report, Rfm, Settings, Status, ValueSegment, cohorts, customer_figures, customers, order_grid,
};
use crate::model::{InvoiceTime, Line};

/// Lines of up to a dozen customers over fourteen months, with many ties.
fn purchases() -> impl Strategy<Value = Vec<Line>> {
    let line = (0..12_u8, 0..400_i64, 0..5_u8, 1..6_i32, 1..4_i64);
    let line = line.prop_map(|(customer, day, invoice, quantity, price)| Line {
        // An invoice is of one customer and one day.
        invoice_no: format!("{customer}-{day}-{invoice}").into(),
        stock_code: "S".into(),
        description: "D".into(),
        quantity,
        invoice_time: InvoiceTime(1_291_000_000 + day * 86_400),
        unit_price: Decimal::new(price * 500, 3),
        customer: (customer > 0).then(|| format!("{customer}").into()),
        country: "United Kingdom".into(),
    });
    prop::collection::vec(line, 1..80)
}

/// What is known of a customer: last day, invoices, sales, months.
#[derive(Debug, Default, Clone)]
struct Known {
    last: i32,
    invoices: BTreeSet<CompactString>,
    amount: Decimal,
    months: BTreeSet<Month>,
}

fn known(lines: &[Line]) -> BTreeMap<CompactString, Known> {
    let mut all: BTreeMap<CompactString, Known> = BTreeMap::new();
    for line in lines {
        let Some(customer) = &line.customer else {
            continue;
        };
        let known = all.entry(customer.clone()).or_default();
        known.last = known.last.max(line.invoice_time.day().0);
        known.invoices.insert(line.invoice_no.clone());
        known.amount += line.as_ref().amount();
        known.months.insert(Month::of(line.invoice_time.day()));
    }
    all
}

/// Twice the mean rank of a value: one more than twice those below, plus those equal.
fn doubled_rank<T: Ord>(value: &T, all: &[T]) -> usize {
    let below = all.iter().filter(|other| *other < value).count();
    let equal = all.iter().filter(|other| *other == value).count();
    2 * below + equal + 1
}

/// The smallest score whose fifth of the ranks reaches the rank.
fn fifth(doubled: usize, n: usize) -> u8 {
    (1..=5_u8)
        .find(|score| 5 * doubled <= 2 * n * usize::from(*score))
        .unwrap()
}

/// A quantile by linear interpolation between the order statistics around it.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = share * (sorted.len() - 1) as f64;
    let place = (0..sorted.len())
        .rfind(|place| *place as f64 <= at)
        .unwrap();
    let (below, above) = (
        sorted[place],
        sorted.get(place + 1).unwrap_or(&sorted[place]),
    );
    below + (above - below) * at.fract()
}

fn status(days: i32, invoices: usize, amount: Decimal) -> Status {
    let vip = amount > Decimal::from(1_000) && invoices > 5;
    match days {
        91.. => Status::Inactive,
        31.. => Status::RecentlyInactive,
        8.. if vip => Status::VipAtRisk,
        _ if vip => Status::Vip,
        _ => Status::Active,
    }
}

proptest! {
    #[test]
    fn scores_and_segments_follow_their_definitions(lines in purchases()) {
        let settings = Settings::standard().unwrap();
        let analytics = figures(&lines, &[], &Filter::default());
        let rows = customer_figures(&analytics, &settings);
        let known = known(&lines);
        let reference = lines.iter().map(|l| l.invoice_time.day().0).max().unwrap() + 1;
        prop_assert_eq!(analytics.reference_date().unwrap().0, reference);
        prop_assert_eq!(rows.len(), known.len());
        let n = known.len();
        // Cuts of nobody's scores do not exist.
        prop_assume!(n > 0);
        let days: Vec<i32> = known.values().map(|k| reference - k.last).collect();
        let orders: Vec<usize> = known.values().map(|k| k.invoices.len()).collect();
        let amounts: Vec<Decimal> = known.values().map(|k| k.amount).collect();
        let ranks: Vec<[usize; 3]> = (0..n)
            .map(|i| [
                doubled_rank(&days[i], &days),
                doubled_rank(&orders[i], &orders),
                doubled_rank(&amounts[i], &amounts),
            ])
            .collect();
        let value = |[r, f, m]: [usize; 3]| {
            let share = |rank: usize| rank as f64 / (2 * n) as f64;
            0.35 * (1.0 - share(r)) + 0.35 * share(f) + 0.30 * share(m)
        };
        let values: Vec<f64> = ranks.iter().map(|ranks| value(*ranks)).collect();
        let cuts = [0.25, 0.5, 0.75].map(|share| quantile(&values, share));
        for (i, (number, known)) in known.iter().enumerate() {
            let row = rows.iter().find(|row| row.customer == *number).unwrap();
            prop_assert_eq!(i64::from(row.recency_days), i64::from(days[i]));
            prop_assert_eq!(row.invoices, orders[i] as u64);
            prop_assert_eq!(row.amount, known.amount);
            let [r, f, m] = ranks[i].map(|rank| fifth(rank, n));
            prop_assert_eq!(row.scores, [6 - r, f, m]);
            prop_assert_eq!(row.value_score.to_bits(), values[i].to_bits());
            let above = cuts.iter().filter(|cut| values[i] > **cut).count();
            prop_assert_eq!(row.value, ValueSegment::ALL[above]);
            prop_assert_eq!(row.status, status(days[i], orders[i], known.amount));
            let mut named = settings.grid.segments().iter().filter(|segment| {
                (segment.recency[0]..=segment.recency[1]).contains(&row.scores[0])
                    && (segment.frequency[0]..=segment.frequency[1]).contains(&row.scores[1])
            });
            prop_assert_eq!(&row.segment, &named.next().unwrap().name);
        }
    }

    #[test]
    fn own_breaks_score_by_the_limits_below_a_value(
        lines in purchases(),
        limits in prop::collection::btree_set(1..400_u32, 4),
    ) {
        let recency: Vec<u32> = limits.into_iter().collect();
        let mut settings = Settings::standard().unwrap();
        settings.breaks = Breaks::Own {
            recency_days: recency.clone().try_into().unwrap(),
            invoices: [1, 2, 3, 4],
            amount: [1, 2, 5, 9].map(Decimal::from),
        };
        let analytics = figures(&lines, &[], &Filter::default());
        for row in Rfm::of(&analytics, &settings).customers {
            let passed = recency.iter().filter(|limit| row.recency_days > **limit).count();
            let orders = row.invoices.clamp(1, 5);
            prop_assert_eq!(usize::from(row.scores[0]), 5 - passed);
            prop_assert_eq!(u64::from(row.scores[1]), orders);
        }
    }

    #[test]
    fn cohorts_hold_each_customer_in_the_month_he_came_and_the_months_he_came_back(
        lines in purchases(),
    ) {
        let analytics = figures(&lines, &[], &Filter::default());
        let known = known(&lines);
        let last = lines.iter().map(|l| Month::of(l.invoice_time.day())).max().unwrap();
        let rows = cohorts(&analytics);
        let firsts: BTreeSet<Month> =
            known.values().map(|k| *k.months.first().unwrap()).collect();
        prop_assert_eq!(rows.iter().map(|r| r.month).collect::<BTreeSet<_>>(), firsts);
        for row in rows {
            let own: Vec<&Known> =
                known.values().filter(|k| *k.months.first().unwrap() == row.month).collect();
            prop_assert_eq!(row.customers, own.len() as u64);
            prop_assert_eq!(i32::try_from(row.cells.len()).unwrap(), last.since(row.month) + 1);
            let mut month = row.month;
            for (cell, after) in row.cells.iter().zip(0..) {
                let came = own.iter().filter(|k| k.months.contains(&month)).count();
                prop_assert_eq!((cell.months_after, cell.customers), (after, came as u64));
                month = month.next();
            }
        }
    }

    #[test]
    fn a_list_holds_the_customers_of_its_cell_and_no_others(
        lines in purchases(),
        limits in (
            prop::collection::btree_set(0..400_u32, 0..4),
            prop::collection::btree_set(0..6_u64, 0..4),
        ),
    ) {
        let settings = Settings::standard().unwrap();
        let analytics = figures(&lines, &[], &Filter::default());
        let known = known(&lines);
        let reference = analytics.reference_date().unwrap().0;
        let (days, orders) = limits;
        let breaks = GridBreaks::new(days.into_iter().collect(), orders.into_iter().collect());
        let breaks = breaks.unwrap();
        let grid = order_grid(&Rfm::of(&analytics, &settings).customers, breaks.clone());
        let mut seen = 0;
        for (row, days) in grid.rows.iter().zip(breaks.days()) {
            for (cell, orders) in row.iter().zip(breaks.orders()) {
                let query = CustomerQuery {
                    pick: CustomerPick::Between { days: days.clone(), orders: orders.clone() },
                    sort: CustomerSort::Number,
                    ..CustomerQuery::default()
                };
                let list = customers(&analytics, &settings, &query);
                let expect: Vec<&CompactString> = known
                    .iter()
                    .filter(|(_, k)| {
                        days.contains(&u32::try_from(reference - k.last).unwrap())
                            && orders.contains(&(k.invoices.len() as u64))
                    })
                    .map(|(number, _)| number)
                    .collect();
                prop_assert_eq!(list.rows.iter().map(|r| &r.customer).collect::<Vec<_>>(), expect);
                prop_assert_eq!((cell.customers, cell.amount), (list.customers, list.amount));
                seen += cell.customers;
            }
        }
        prop_assert_eq!(seen, known.len() as u64);
    }
}

#[test]
fn the_grid_of_the_full_file_is_exact_and_its_cells_lead_to_their_customers() {
    let settings = Settings::standard().unwrap();
    let report = Report::build(whole(), &settings);
    let grid = &report.order_grid;
    let counts: Vec<Vec<u64>> = (grid.rows.iter())
        .map(|row| row.iter().map(|cell| cell.customers).collect())
        .collect();
    assert_eq!(
        counts,
        [
            [67, 120, 77, 220, 384],
            [169, 159, 128, 232, 192],
            [295, 183, 121, 175, 89],
            [343, 213, 131, 145, 29],
            [619, 156, 51, 29, 6],
        ]
    );
    assert_eq!(grid.rows[0][4].amount, "3925173.660".parse().unwrap());
    assert_eq!(grid.rows[4][0].amount, "270892.440".parse().unwrap());
    for (recency, row) in (1..).zip(&report.rfm_grid) {
        for (frequency, customers_in) in (1..).zip(row) {
            let pick = CustomerPick::Scores { recency, frequency };
            assert_eq!(list(pick).customers, *customers_in, "{recency} {frequency}");
        }
    }
    for segment in &report.named_segments {
        let list = list(CustomerPick::Segment(segment.name.clone()));
        assert_eq!(
            (list.customers, list.amount),
            (segment.customers, segment.amount)
        );
    }
    for (value, segment) in ValueSegment::ALL.into_iter().zip(&report.segments) {
        assert_eq!(list(CustomerPick::Value(value)).amount, segment.amount);
    }
    for (status, segment) in Status::ALL.into_iter().zip(&report.statuses) {
        assert_eq!(list(CustomerPick::Status(status)).amount, segment.amount);
    }
}

#[test]
fn each_cell_of_the_cohorts_leads_to_the_customers_it_counts() {
    let report = Report::build(whole(), &Settings::standard().unwrap());
    let mut listed = 0;
    for cohort in &report.cohorts {
        let months = std::iter::successors(Some(cohort.month), |month| Some(month.next()));
        for (cell, bought) in cohort.cells.iter().zip(months) {
            let first = cohort.month;
            let list = list(CustomerPick::Cohort { first, bought });
            assert_eq!(list.customers, cell.customers, "{first} {bought}");
            let begun = list.rows.iter().map(|row| Month::of(row.first.day()));
            assert!(begun.into_iter().all(|month| month == first), "{first}");
        }
        listed += cohort.customers;
    }
    assert_eq!(listed, 4_333);
}

fn list(pick: CustomerPick) -> crate::analytics::CustomerList {
    let query = CustomerQuery {
        pick,
        ..CustomerQuery::default()
    };
    customers(whole(), &Settings::standard().unwrap(), &query)
}

#[test]
fn a_list_is_sorted_cut_and_searched() {
    let settings = Settings::standard().unwrap();
    let ask = |sort, direction, skip, containing: &str| {
        let query = CustomerQuery {
            sort,
            direction,
            skip,
            containing: containing.into(),
            limit: Some(3),
            ..CustomerQuery::default()
        };
        let list = customers(whole(), &settings, &query);
        let rows: Vec<String> = list.rows.iter().map(|r| r.customer.to_string()).collect();
        (list.customers, rows)
    };
    let usual = Direction::Usual;
    // 14646 spent the most; 18102, 17450 and 16446 follow.
    let (all, by_amount) = ask(CustomerSort::Amount, usual, 0, "");
    assert_eq!(
        (all, by_amount),
        (4_333, ["14646", "18102", "17450"].map(str::to_owned).into())
    );
    let (_, next) = ask(CustomerSort::Amount, usual, 1, "");
    assert_eq!(next, ["18102", "17450", "16446"]);
    assert_eq!(
        ask(CustomerSort::Invoices, usual, 0, "").1[0],
        "12748",
        "209 invoices"
    );
    assert_eq!(ask(CustomerSort::Number, usual, 0, "").1[0], "12346");
    assert_eq!(
        ask(CustomerSort::Number, Direction::Reversed, 0, "").1[0],
        "18287"
    );
    assert_eq!(
        ask(CustomerSort::Amount, usual, 0, "14646"),
        (1, vec!["14646".to_owned()])
    );
    let days = |direction| {
        let query = CustomerQuery {
            sort: CustomerSort::Recency,
            direction,
            ..CustomerQuery::default()
        };
        customers(whole(), &settings, &query).rows[0].recency_days
    };
    assert_eq!([days(usual), days(Direction::Reversed)], [1, 374]);
    let best = customers(
        whole(),
        &settings,
        &CustomerQuery {
            sort: CustomerSort::Value,
            ..CustomerQuery::default()
        },
    );
    assert!(
        best.rows
            .is_sorted_by(|a, b| a.value_score >= b.value_score)
    );
}
