//! Buckets with a given clock, and who is who.

use http::HeaderValue;

use super::*;

fn config() -> RpcConfig {
    RpcConfig {
        rate_limit: RateLimit::PerSecond(10),
        rate_limit_burst: 100,
        ..RpcConfig::default()
    }
}

fn limiter_of(config: &RpcConfig) -> Arc<RateLimiter> {
    let methods = ["eth_call", "eth_getLogs"];
    Arc::new(RateLimiter::new(config, methods.into_iter()).unwrap())
}

fn limiter() -> Arc<RateLimiter> {
    limiter_of(&config())
}

fn client(text: &str) -> Client {
    Client::new(text.parse().unwrap())
}

fn retry_after(outcome: Result<(), Fault>) -> u64 {
    match outcome {
        Err(Fault::RateLimited { retry_after_ms }) => retry_after_ms,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_bucket_gives_its_burst_at_once_and_then_its_rate() {
    let limiter = limiter();
    let (one, start) = (client("192.0.2.1"), Instant::now());
    for _ in 0..100 {
        limiter.take(one, 1, start).unwrap();
    }
    assert_eq!(retry_after(limiter.take(one, 1, start)), 100);
    assert_eq!(retry_after(limiter.take(one, 30, start)), 3_000);
    // After the time that was named it works, and a refusal has cost nothing.
    let later = start + Duration::from_millis(3_000);
    limiter.take(one, 30, later).unwrap();
    assert_eq!(retry_after(limiter.take(one, 1, later)), 100);
    // A long pause fills the bucket, and no more than fills it.
    let much_later = start + Duration::from_secs(3_600);
    limiter.take(one, 100, much_later).unwrap();
    assert_eq!(retry_after(limiter.take(one, 1, much_later)), 100);
}

#[test]
fn in_the_long_run_a_client_gets_the_rate_whatever_it_tries() {
    let limiter = limiter();
    let (one, start) = (client("192.0.2.1"), Instant::now());
    let mut taken = 0;
    for step in 0..10_000u64 {
        let cost = 1 + step * 7 % 13;
        let now = start + Duration::from_millis(step * 10);
        if limiter.take(one, cost, now).is_ok() {
            taken += cost;
        }
    }
    // 100 seconds at 10 units, and the first burst.
    assert!((1_087..=1_100).contains(&taken), "{taken}");
}

#[test]
fn what_costs_more_than_a_full_bucket_is_refused_without_a_time() {
    let outcome = limiter().take(client("192.0.2.1"), 101, Instant::now());
    assert!(matches!(outcome, Err(Fault::Limit(_))), "{outcome:?}");
}

#[test]
fn clients_do_not_share_buckets_unless_they_share_a_network() {
    let limiter = limiter();
    let now = Instant::now();
    limiter.take(client("192.0.2.1"), 100, now).unwrap();
    limiter.take(client("192.0.2.2"), 100, now).unwrap();
    limiter.take(client("2001:db8:1:2::1"), 100, now).unwrap();
    limiter.take(client("2001:db8:1:3::1"), 100, now).unwrap();
    retry_after(limiter.take(client("::ffff:192.0.2.1"), 1, now));
    retry_after(limiter.take(client("2001:db8:1:2:ffff::9"), 1, now));
}

#[test]
fn memory_is_bounded_and_strangers_share_what_is_left() {
    let settings = RpcConfig {
        rate_limit_clients: 160,
        ..config()
    };
    let limiter = limiter_of(&settings);
    let start = Instant::now();
    let kept = || -> usize {
        let shards = limiter.shards.iter();
        shards.map(|shard| shard.lock().full_at.len()).sum()
    };
    let crowd =
        |from: u32| (from..from + 5_000).map(|n| Client::new(IpAddr::from(n.to_be_bytes())));
    let served = crowd(1 << 24)
        .filter(|one| limiter.take(*one, 50, start).is_ok())
        .count();
    assert_eq!(kept(), 160);
    // Each shard's shared bucket holds two such requests.
    assert_eq!(served, 160 + 2 * SHARDS);
    // When their buckets are full again, they are forgotten and others find room.
    let later = start + Duration::from_secs(6);
    let served = crowd(2 << 24)
        .filter(|one| limiter.take(*one, 50, later).is_ok())
        .count();
    assert_eq!(kept(), 160);
    assert!(served >= 160, "{served}");
}

#[test]
fn the_client_behind_trusted_proxies_is_the_last_that_is_none() {
    let trusted: Vec<Network> = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"]
        .map(|text| text.parse().unwrap())
        .into();
    let of = |peer: &str, values: &[&str], trusted: &[Network]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("X-Forwarded-For", HeaderValue::from_str(value).unwrap());
        }
        client::address(peer.parse().unwrap(), &headers, trusted).to_string()
    };
    for (peer, values, want) in [
        ("10.1.1.1", &["198.51.100.7"][..], "198.51.100.7"),
        ("::ffff:10.1.1.1", &["198.51.100.7"], "198.51.100.7"),
        // Written by the client: left of what our proxy has added.
        ("10.1.1.1", &["127.0.0.1, 198.51.100.7"], "198.51.100.7"),
        (
            "10.1.1.1",
            &["1.2.3.4", "198.51.100.7, 10.2.2.2"],
            "198.51.100.7",
        ),
        ("127.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
        ("fd00::1", &["[2001:db8::5]:443"], "2001:db8::5"),
        // A proxy that says nothing, or nonsense, is itself the client.
        ("10.1.1.1", &[], "10.1.1.1"),
        ("10.1.1.1", &["unknown"], "10.1.1.1"),
        ("10.1.1.1", &["10.9.9.9"], "10.9.9.9"),
        // A stranger may write what it likes.
        ("198.51.100.7", &["127.0.0.1"], "198.51.100.7"),
    ] {
        assert_eq!(of(peer, values, &trusted), want, "{peer} {values:?}");
    }
    assert_eq!(of("10.1.1.1", &["1.2.3.4"], &[]), "10.1.1.1");
}

#[test]
fn loopback_is_limited_only_if_told_so() {
    let none = HeaderMap::new();
    let local = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"];
    let limited = limiter_of(&RpcConfig {
        rate_limit_loopback: true,
        ..config()
    });
    for peer in local.map(|text| text.parse().unwrap()) {
        assert!(limiter().allowance(peer, &none).is_none(), "{peer}");
        assert!(limited.allowance(peer, &none).is_some(), "{peer}");
    }
    let other = "192.0.2.1".parse().unwrap();
    assert!(limiter().allowance(other, &none).is_some());
}

#[test]
fn a_batch_costs_the_sum_of_its_parts_and_is_paid_as_a_whole() {
    let limiter = limiter_of(&RpcConfig {
        rate_limit: RateLimit::PerSecond(1),
        ..config()
    });
    let peer = "192.0.2.1".parse().unwrap();
    let allowance = limiter.allowance(peer, &HeaderMap::new()).unwrap();
    // 25 + 25 + 5 + 1 = 56 of 100.
    let batch = ["eth_getLogs", "eth_getLogs", "eth_call", "eth_none"];
    allowance.pay(batch.into_iter()).unwrap();
    let wait = retry_after(allowance.pay(batch.into_iter()));
    assert!((10_000..=12_000).contains(&wait), "{wait}");
    // The refused batch has taken nothing of the remaining 44.
    allowance.pay(["eth_getLogs"].into_iter()).unwrap();
    retry_after(allowance.pay(["eth_getLogs"].into_iter()));
}

#[test]
fn settings_have_a_text_form() {
    let unlimited = RpcConfig {
        rate_limit: RateLimit::Unlimited,
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        ..RpcConfig::default()
    };
    let json = serde_json::to_value(&unlimited).unwrap();
    assert_eq!(json["rate_limit"], "unlimited");
    assert_eq!(json["trusted_proxies"][0], "10.0.0.0/8");
    assert_eq!(
        serde_json::from_value::<RpcConfig>(json).unwrap(),
        unlimited
    );
    let read = |text| serde_json::from_str::<RpcConfig>(text);
    let limited = read(r#"{"rate_limit":7}"#).unwrap();
    assert_eq!(limited.rate_limit, RateLimit::PerSecond(7));
    assert!(RateLimiter::new(&unlimited, [].into_iter()).is_none());
    for bad in [
        r#"{"rate_limit":-1}"#,
        r#"{"rate_limit":"none"}"#,
        r#"{"trusted_proxies":["10.0.0.0/33"]}"#,
        r#"{"trusted_proxies":["localhost"]}"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    assert!(read(r#"{"rate_limit":0}"#).unwrap().validate().is_err());
}
