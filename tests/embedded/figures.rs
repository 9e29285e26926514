//! Exact figures of the full file, against the agreed ones and against a naive count.

use retail_tests::naive;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{Loaded, naive_counts, stored};

#[test]
fn the_full_file_closes_its_ledger_with_the_agreed_counts() {
    let outcome = &Loaded::shared().outcome;
    let expect = json!({
        "mode": "embedded",
        "read": 541_909,
        "clean": 529_598,
        "new": 524_376 + 5_222,
        "set_aside": {
            "unroutable_country": 507,
            "cancellation": 9_287,
            "nonpositive_quantity": 1_336,
            "nonpositive_price": 1_181,
        },
        "amount": "10660634.504",
        "lag": 0,
        "closed": true,
    });
    for (key, value) in expect.as_object().unwrap() {
        assert_eq!(&outcome[key], value, "{key} in {outcome}");
    }
    let regions = &outcome["regions"];
    for (region, lines, amount) in [
        ("europe", 526_735, "10425701.574"),
        ("asiapacific", 2_501, "226542.560"),
        ("americas", 362, "8390.370"),
    ] {
        assert_eq!(regions[region]["lines"], lines, "{region}");
        assert_eq!(regions[region]["amount"], amount, "{region}");
    }
    for dc in ["Europe_DC", "Americas_DC", "AsiaPacific_DC"] {
        assert_eq!(outcome["stored"][dc]["lines"], 529_598, "{dc}");
    }
    assert!(outcome["seconds"].as_f64().unwrap() > 0.0);
    assert!(outcome["lines_per_second"].as_f64().unwrap() > 0.0);
    assert!(outcome["peak_memory_bytes"].as_u64().unwrap() > 1 << 20);
}

#[test]
fn every_data_centre_read_on_its_own_holds_the_same_rows() {
    let verified = Loaded::shared().json(&["verify"]);
    assert_eq!(stored(&verified)["lines"], 529_598);
    assert!(verified["buckets"].as_u64().unwrap() > 3_000);
    assert_eq!(
        verified["stored"]["Europe_DC"]["digest"],
        Loaded::shared().outcome["stored"]["Europe_DC"]["digest"],
        "what the load said and what is read back"
    );
}

#[test]
fn the_report_says_what_was_counted_outside_the_product() {
    let report = Loaded::shared().json(&["report"]);
    assert_eq!(report["customers"], 4_333, "{}", report["kpis"]);
    assert_eq!(report["reference_date"], "2011-12-10");
    let kpis = &report["kpis"];
    for (key, value) in [
        ("sales", json!("10660634.504")),
        ("lines", json!(529_598)),
        ("invoices", json!(19_943)),
        ("products", json!(3_922)),
        ("lines_without_customer", json!(132_018)),
    ] {
        assert_eq!(kpis[key], value, "{key} in {kpis}");
    }
    for (month, amount, lines) in [
        ("2010-12", "823746.140", 41_480),
        ("2011-01", "691364.560", 34_306),
        ("2011-06", "761122.070", 35_948),
        ("2011-11", "1508530.580", 83_316),
        ("2011-12", "638792.680", 25_111),
    ] {
        let row = row(&report["months"], "period", month);
        assert_eq!(
            (&row["amount"], &row["lines"]),
            (&json!(amount), &json!(lines)),
            "{month}"
        );
    }
    for (name, customers, amount) in [
        ("At Risk", 1_084, "272791.420"),
        ("Low Value", 1_083, "694728.933"),
        ("Mid Value", 1_083, "1421193.521"),
        ("High Value", 1_083, "6518726.710"),
    ] {
        let row = row(&report["segments"], "name", name);
        assert_eq!(
            (&row["customers"], &row["amount"]),
            (&json!(customers), &json!(amount)),
            "{name}"
        );
    }
}

#[test]
fn the_report_equals_a_naive_count_of_the_file() {
    let (_, counts) = naive_counts();
    let naive::Counts {
        clean,
        amount,
        months,
        countries,
        invoices,
        customers,
        ..
    } = counts;
    let report = Loaded::shared().json(&["report"]);
    assert_eq!(report["kpis"]["lines"], *clean);
    assert_eq!(report["kpis"]["sales"], money(*amount));
    assert_eq!(report["kpis"]["invoices"], invoices.len());
    assert_eq!(report["customers"], customers.len());
    let listed = |list: &Value| list.as_array().map(Vec::len);
    assert_eq!(listed(&report["months"]), Some(months.len()));
    assert_eq!(listed(&report["countries"]), Some(countries.len()));
    for (month, (lines, amount)) in months {
        let row = row(&report["months"], "period", month);
        assert_eq!(row["lines"], *lines, "{month}");
        assert_eq!(row["amount"], money(*amount), "{month}");
    }
    for (country, (lines, amount)) in countries {
        let row = row(&report["countries"], "country", country);
        assert_eq!(row["lines"], *lines, "{country}");
        assert_eq!(row["amount"], money(*amount), "{country}");
    }
}

/// An amount as the product prints it: with the three decimals that prices have.
fn money(mut amount: Decimal) -> String {
    amount.rescale(3);
    amount.to_string()
}

/// The row of a list whose `key` is `value`.
fn row<'v>(list: &'v Value, key: &str, value: &str) -> &'v Value {
    list.as_array()
        .unwrap()
        .iter()
        .find(|row| row[key] == value)
        .unwrap_or_else(|| panic!("no {key} {value} in {list}"))
}
