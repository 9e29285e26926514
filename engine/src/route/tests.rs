use super::*;

fn builtin() -> RoutingMap {
    RoutingMap::builtin().unwrap()
}

#[test]
fn every_country_of_the_data_is_routed_as_agreed_and_the_two_non_countries_are_not() {
    let map = builtin();
    let americas = ["USA", "Canada", "Brazil"];
    let asia_pacific = [
        "Australia",
        "Japan",
        "Singapore",
        "Hong Kong",
        "RSA",
        "Israel",
        "Lebanon",
        "Bahrain",
        "Saudi Arabia",
        "United Arab Emirates",
    ];
    let europe = [
        "Austria",
        "Belgium",
        "Channel Islands",
        "Cyprus",
        "Czech Republic",
        "Denmark",
        "EIRE",
        "Finland",
        "France",
        "Germany",
        "Greece",
        "Iceland",
        "Italy",
        "Lithuania",
        "Malta",
        "Netherlands",
        "Norway",
        "Poland",
        "Portugal",
        "Spain",
        "Sweden",
        "Switzerland",
        "United Kingdom",
    ];
    for (names, region) in [
        (&americas[..], Region::Americas),
        (&asia_pacific[..], Region::AsiaPacific),
        (&europe[..], Region::Europe),
    ] {
        for name in names {
            assert_eq!(map.find(name).unwrap().country, *name);
            assert_eq!(map.region_of(name), Some(region), "{name}");
        }
    }
    for name in ["European Community", "Unspecified", "Atlantis", ""] {
        assert_eq!(map.region_of(name), None, "{name}");
    }
}

#[test]
fn case_spaces_and_other_spellings_lead_to_the_name_on_the_map() {
    let map = builtin();
    for (written, country) in [
        (" united KINGDOM ", "United Kingdom"),
        ("UK", "United Kingdom"),
        ("south africa", "RSA"),
        ("Ireland", "EIRE"),
        ("eire", "EIRE"),
    ] {
        assert_eq!(map.find(written).unwrap().country, country);
    }
    assert_eq!(map.find(&"x".repeat(65)), None, "longer than any name");
}

#[test]
fn an_assigned_country_is_routed_on_a_new_version_and_the_old_map_stays() {
    let old = builtin();
    let new = old.assign(" Atlantis ", Region::Americas).unwrap();
    assert_eq!(new.version(), old.version() + 1);
    assert_eq!(new.region_of("atlantis"), Some(Region::Americas));
    assert_eq!(old.region_of("Atlantis"), None);
    let moved = new.assign("UK", Region::AsiaPacific).unwrap();
    assert_eq!(
        moved.region_of("United Kingdom"),
        Some(Region::AsiaPacific),
        "another spelling moves the country itself"
    );
    assert!(matches!(
        old.assign("  ", Region::Europe),
        Err(RoutingError::Name { .. })
    ));
}

#[test]
fn a_map_survives_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("routing.toml");
    let map = builtin().assign("Atlantis", Region::Europe).unwrap();
    map.save(&path).unwrap();
    assert_eq!(RoutingMap::load(&path).unwrap(), map);
}

#[test]
fn a_map_that_contradicts_itself_is_refused() {
    let twice = "version = 1\n[regions]\neurope = [\"A\"]\namericas = [\"a\"]\n";
    assert!(matches!(
        RoutingMap::from_toml(twice),
        Err(RoutingError::Twice { .. })
    ));
    let alias = "version = 1\n[regions]\neurope = [\"A\"]\n[aliases]\nB = \"C\"\n";
    assert!(matches!(
        RoutingMap::from_toml(alias),
        Err(RoutingError::DanglingAlias { .. })
    ));
    let unknown = "version = 1\nmore = 2\n[regions]\n";
    assert!(matches!(
        RoutingMap::from_toml(unknown),
        Err(RoutingError::Syntax { .. })
    ));
}
