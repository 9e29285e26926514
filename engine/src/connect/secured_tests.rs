//! The connection test on servers that want an account and encryption, and what it says of each
//! thing that is wrong. `LAB_SECURED` is the home of a lab that was set up with `--secured`.

use std::path::Path;

use super::*;
use crate::config::{KafkaSecurity, SaslMechanism, Secret, Settings};
use crate::lab::{Account, Lab, Server};
use crate::live::{cassandra, kafka};
use crate::model::Dc;

/// A secured lab, and the settings that are right for it.
struct Secured {
    lab: Lab,
    account: Account,
    settings: Settings,
}

impl Secured {
    fn open() -> Self {
        let home = std::env::var_os("LAB_SECURED").expect("the home of a secured lab");
        let lab = Lab::open(Path::new(&home)).unwrap();
        let account = lab.account().unwrap().expect("the lab is a secured one");
        let environment = lab.environment();
        let of = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.expect(name).1.clone()
        };
        let unique = format!("secured_{}", std::process::id());
        let mut settings = Settings::in_dir("unused");
        let live = &mut settings.live;
        live.kafka_bootstrap_servers = vec![of("KAFKA_BOOTSTRAP_SERVERS")];
        live.kafka_security = KafkaSecurity::SaslTls;
        live.kafka_sasl_mechanism = SaslMechanism::ScramSha512;
        live.kafka_username.clone_from(&account.name);
        live.kafka_password = Secret::new(&account.password);
        live.kafka_ca_file = of("RETAIL_KAFKA_CA_FILE").into();
        live.kafka_topic_prefix = unique.replace('_', "-") + "-";
        let nodes = of("CASSANDRA_CONTACT_POINTS");
        live.cassandra_contact_points = nodes.split(',').map(ToOwned::to_owned).collect();
        live.cassandra_tls = true;
        live.cassandra_ca_file = of("RETAIL_CASSANDRA_CA_FILE").into();
        live.cassandra_username.clone_from(&account.name);
        live.cassandra_password = Secret::new(&account.password);
        live.cassandra_keyspace = unique;
        Self {
            lab,
            account,
            settings,
        }
    }

    /// Where the test stops when something is changed, and what it says there.
    fn stops(&self, change: impl FnOnce(&mut LiveSettings)) -> (Step, String) {
        let mut live = self.settings.live.clone();
        change(&mut live);
        let mut failed = None;
        test(&live, &mut |step, result| {
            if let StepResult::Failed {
                what,
                cause,
                remedy,
                ..
            } = result
            {
                println!("{}: {what}\n  {cause}\n  {remedy}", step.name());
                failed = Some((step, format!("{what}: {cause}: {remedy}")));
            }
        });
        let (step, said) = failed.expect("it passed");
        assert!(!said.contains(&self.account.password), "a secret is told");
        (step, said)
    }
}

/// What became of every step.
fn told(live: &LiveSettings) -> Vec<(Step, StepResult)> {
    let mut all = Vec::new();
    test(live, &mut |step, result| all.push((step, result)));
    all
}

#[test]
#[ignore = "needs a secured lab and --features tls: LAB_SECURED"]
fn an_account_gets_through_encrypted_connections_by_every_mechanism() {
    let secured = Secured::open();
    let mut live = secured.settings.live.clone();
    for mechanism in [
        SaslMechanism::Plain,
        SaslMechanism::ScramSha256,
        SaslMechanism::ScramSha512,
    ] {
        live.kafka_sasl_mechanism = mechanism;
        for (step, result) in told(&live) {
            match step {
                Step::RoundTrip => assert_eq!(result, StepResult::NotTested(NOT_SET_UP)),
                _ => assert!(matches!(result, StepResult::Passed { .. }), "{result:?}"),
            }
        }
    }
    kafka::setup(&secured.settings).unwrap();
    cassandra::setup(&secured.settings).unwrap();
    for (step, result) in told(&live) {
        let StepResult::Passed { found, .. } = result else {
            panic!("{step:?}: {result:?}");
        };
        match step {
            Step::KafkaTls => assert_eq!(found, "encrypted, and the certificate is trusted"),
            Step::KafkaLogin => assert_eq!(found, "as retail"),
            Step::CassandraLogin => assert_eq!(found, "3 nodes, encrypted"),
            _ => {}
        }
    }
}

#[test]
#[ignore = "needs a secured lab and --features tls: LAB_SECURED"]
fn what_is_wrong_at_kafka_is_named_at_its_step_with_its_remedy() {
    let secured = Secured::open();
    for mechanism in [SaslMechanism::Plain, SaslMechanism::ScramSha512] {
        let (step, said) = secured.stops(|live| {
            live.kafka_sasl_mechanism = mechanism;
            live.kafka_password = Secret::new("wrong");
        });
        assert_eq!(step, Step::KafkaLogin);
        assert!(said.contains("RETAIL_KAFKA_PASSWORD"), "{said}");
    }
    let sasl = secured.lab.options().sasl_port();
    let (step, said) = secured.stops(|live| {
        let (host, _) = live.kafka_bootstrap_servers[0].split_once(':').unwrap();
        live.kafka_bootstrap_servers = vec![format!("{host}:{sasl}")];
    });
    assert_eq!(step, Step::KafkaTls, "TLS where there is none");
    assert!(said.contains("another protocol than TLS"), "{said}");
    for plain in [KafkaSecurity::SaslPlaintext, KafkaSecurity::Plaintext] {
        let (step, said) = secured.stops(|live| {
            live.kafka_security = plain;
            if plain == KafkaSecurity::Plaintext {
                live.kafka_username.clear();
            }
        });
        assert_eq!(step, Step::KafkaTls, "no TLS where there is one");
        assert!(said.contains("may want TLS"), "{said}");
    }
    let (step, said) = secured.stops(|live| live.kafka_ca_file = "".into());
    assert_eq!(
        step,
        Step::KafkaTls,
        "an authority that the system does not know"
    );
    assert!(said.contains("live.kafka_ca_file"), "{said}");
}

#[test]
#[ignore = "needs a secured lab and --features tls: LAB_SECURED"]
fn what_is_wrong_at_cassandra_is_named_at_its_step_with_its_remedy() {
    let secured = Secured::open();
    let stops = |change: &dyn Fn(&mut LiveSettings)| {
        let (step, said) = secured.stops(change);
        assert_eq!(step, Step::CassandraLogin, "{said}");
        said
    };
    let said = stops(&|live| live.cassandra_password = Secret::new("wrong"));
    assert!(said.contains("RETAIL_CASSANDRA_PASSWORD"), "{said}");
    // The account that every new node has is worth nothing here.
    let said = stops(&|live| {
        live.cassandra_username = "cassandra".into();
        live.cassandra_password = Secret::new("cassandra");
    });
    assert!(said.contains("refuses the account"), "{said}");
    let said = stops(&|live| live.cassandra_username.clear());
    assert!(said.contains("asks for an account"), "{said}");
    let said = stops(&|live| live.cassandra_tls = false);
    assert!(said.contains("TLS"), "{said}");
    let said = stops(&|live| live.cassandra_ca_file = "".into());
    assert!(said.contains("live.cassandra_ca_file"), "{said}");
    let open = |server| {
        let at = secured.lab.options().client(server);
        format!("{}:{}", at.ip(), at.port() + 1)
    };
    let said = stops(&|live| {
        live.cassandra_contact_points = Dc::ALL.map(|dc| open(Server::Node(dc))).into();
    });
    assert!(said.contains("TLS"), "{said}");
}
