//! Every packet in every version: what is written is read as it was; what is no packet
//! is refused without panic; a packet cut off anywhere is waited for or refused.

use mqttrs::codec::properties::TABLE;
use mqttrs::codec::*;
use mqttrs::types::{PacketId, ProtocolVersion, QoS, ReasonCode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const NO_LIMIT: usize = usize::MAX;

fn versions() -> impl Strategy<Value = ProtocolVersion> {
    select(vec![
        ProtocolVersion::V31,
        ProtocolVersion::V311,
        ProtocolVersion::V5,
    ])
}

/// Text as MQTT takes it: anything but U+0000.
fn text() -> impl Strategy<Value = String> {
    "[^\u{0}]{0,12}"
}

fn packet_id() -> impl Strategy<Value = PacketId> {
    (1..=u16::MAX).prop_map(|number| PacketId::new(number).unwrap())
}

fn qos() -> impl Strategy<Value = QoS> {
    (0..3u8).prop_map(|number| QoS::new(number).unwrap())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..40)
}

/// A value for any property, of which those of its type and range are used.
#[derive(Debug, Clone)]
struct AnyValue {
    number: u32,
    text: String,
    other: String,
    bytes: Vec<u8>,
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    (any::<u32>(), text(), text(), bytes()).prop_map(|(number, text, other, bytes)| AnyValue {
        number,
        text,
        other,
        bytes,
    })
}

/// Properties that may stand in `place`, in any order.
fn properties(place: Place) -> impl Strategy<Value = PropertyBuf> {
    let allowed: Vec<PropertyId> = TABLE
        .iter()
        .filter(|row| row.allowed_in(place))
        .map(|row| row.id)
        .collect();
    vec((select(allowed), any_value()), 0..6).prop_map(move |chosen| {
        let mut buf = PropertyBuf::new();
        for (id, value) in chosen {
            let AnyValue {
                number,
                text,
                other,
                bytes,
            } = &value;
            let mut longer = buf.clone();
            use mqttrs::codec::properties::ValueType;
            let value = match id.info().value_type {
                ValueType::Byte => Value::Byte((number % 2) as u8),
                ValueType::U16 => Value::U16(*number as u16),
                ValueType::U32 => Value::U32(*number),
                ValueType::VarInt => Value::VarInt(number % 268_435_456),
                ValueType::Binary => Value::Binary(bytes),
                ValueType::String => Value::String(text),
                ValueType::Pair => Value::Pair(text, other),
            };
            longer.push(id, value).unwrap();
            // Left out where it may not repeat or is out of range.
            if longer.check(place).is_ok() {
                buf = longer;
            }
        }
        buf
    })
}

/// The properties where the version has them.
fn kept(version: ProtocolVersion, buf: &PropertyBuf) -> Properties<'_> {
    if version.has_properties() {
        buf.as_properties()
    } else {
        Properties::EMPTY
    }
}

/// Writes the packet, reads it back, and cuts it at every byte.
fn check(packet: &Packet<'_>, version: ProtocolVersion) -> Result<(), TestCaseError> {
    let mut written = vec![0xAA];
    packet.encode(&mut written, version);
    prop_assert_eq!(written[0], 0xAA, "what was there before is left alone");
    let written = &written[1..];
    let frame = Frame::parse(written, written.len()).unwrap().unwrap();
    prop_assert_eq!(frame.len, written.len());
    prop_assert_eq!(Frame::announced_len(written), Some(written.len()));
    let read = Packet::decode(&frame, version).unwrap();
    prop_assert_eq!(&read, packet);
    prop_assert!(Frame::parse(written, written.len() - 1).is_err());

    for end in 0..written.len() {
        prop_assert!(
            Frame::parse(&written[..end], NO_LIMIT).unwrap().is_none(),
            "a packet of {} bytes is whole after {}",
            written.len(),
            end
        );
    }
    // The body cut short, under a length that fits: read as something else or refused.
    for end in 0..frame.body.len() {
        let mut short = Vec::new();
        put_fixed_header(&mut short, frame.packet_type, frame.flags, end);
        short.extend_from_slice(&frame.body[..end]);
        let frame = Frame::parse(&short, NO_LIMIT).unwrap().unwrap();
        if let Ok(read) = Packet::decode(&frame, version) {
            prop_assert!(read != *packet);
            let mut again = Vec::new();
            read.encode(&mut again, version);
            let frame = Frame::parse(&again, NO_LIMIT).unwrap().unwrap();
            prop_assert_eq!(Packet::decode(&frame, version).unwrap(), read);
        }
    }
    Ok(())
}

/// The reason codes that a packet of this kind may carry, found by asking the reader.
fn allowed_reasons(packet: impl Fn(ReasonCode) -> Packet<'static>) -> Vec<ReasonCode> {
    let allowed: Vec<ReasonCode> = (0..=255)
        .map(ReasonCode)
        .filter(|reason| {
            let mut written = Vec::new();
            packet(*reason).encode(&mut written, ProtocolVersion::V5);
            let frame = Frame::parse(&written, NO_LIMIT).unwrap().unwrap();
            Packet::decode(&frame, ProtocolVersion::V5).is_ok()
        })
        .collect();
    assert!(allowed.contains(&ReasonCode::SUCCESS));
    assert!(allowed.len() < 40, "nothing is refused");
    allowed
}

fn ack_kinds() -> impl Strategy<Value = (AckKind, Place)> {
    select(vec![
        (AckKind::Puback, Place::Puback),
        (AckKind::Pubrec, Place::Pubrec),
        (AckKind::Pubrel, Place::Pubrel),
        (AckKind::Pubcomp, Place::Pubcomp),
    ])
}

/// The same cases each time: a failure is there again in the next run.
fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: 512,
        rng_seed: proptest::test_runner::RngSeed::Fixed(0x4D51_5454),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn connect_is_read_as_it_was_written(
        (version, clean_start, keep_alive) in (versions(), any::<bool>(), any::<u16>()),
        client_id in text(),
        own in properties(Place::Connect),
        will in proptest::option::of((text(), bytes(), qos(), any::<bool>(), properties(Place::Will))),
        username in proptest::option::of(text()),
        password in proptest::option::of(bytes()),
    ) {
        let will = will.as_ref().map(|(topic, payload, qos, retain, properties)| Will {
            topic,
            payload,
            qos: *qos,
            retain: *retain,
            properties: kept(version, properties),
        });
        let packet = Packet::Connect(Connect {
            version,
            clean_start,
            keep_alive,
            properties: kept(version, &own),
            client_id: &client_id,
            will,
            username: username.as_deref(),
            password: password.as_deref(),
        });
        check(&packet, version)?;
    }

    #[test]
    fn connack_is_read_as_it_was_written(
        version in versions(),
        session_present in any::<bool>(),
        code in select(vec![0u8, 0x80, 0x87, 0x9F]),
        own in properties(Place::Connack),
    ) {
        let packet = Packet::Connack(Connack {
            // MQTT 3.1 has no such flag.
            session_present: session_present && version != ProtocolVersion::V31,
            code,
            properties: kept(version, &own),
        });
        check(&packet, version)?;
    }

    #[test]
    fn publish_is_read_as_it_was_written(
        (version, qos, dup, retain) in (versions(), qos(), any::<bool>(), any::<bool>()),
        topic in text().prop_map(|text| text.replace(['+', '#'], "_")),
        packet_id in packet_id(),
        own in properties(Place::Publish),
        payload in vec(any::<u8>(), 0..300),
    ) {
        let acknowledged = qos != QoS::AtMostOnce;
        let packet = Packet::Publish(Publish {
            dup: dup && acknowledged,
            qos,
            retain,
            topic: &topic,
            packet_id: acknowledged.then_some(packet_id),
            properties: kept(version, &own),
            payload: &payload,
        });
        check(&packet, version)?;
    }

    #[test]
    fn acknowledgements_are_read_as_they_were_written(
        version in versions(),
        ((kind, _), reason, own) in ack_kinds().prop_flat_map(|(kind, place)| {
            let reasons = allowed_reasons(|reason| Packet::Ack(Ack::new(kind, PacketId::MIN, reason)));
            (Just((kind, place)), select(reasons), properties(place))
        }),
        packet_id in packet_id(),
    ) {
        let v5 = version.has_properties();
        let packet = Packet::Ack(Ack {
            kind,
            packet_id,
            reason: if v5 { reason } else { ReasonCode::SUCCESS },
            properties: kept(version, &own),
        });
        check(&packet, version)?;
    }

    #[test]
    fn subscribe_is_read_as_it_was_written(
        version in versions(),
        packet_id in packet_id(),
        own in properties(Place::Subscribe),
        filters in vec((text(), any::<u8>()), 1..4),
    ) {
        let filters: Vec<_> = filters
            .iter()
            .map(|(filter, byte)| {
                let mask = if version.has_properties() { 0x2F } else { 3 };
                let options = SubscriptionOptions::new(byte & mask)
                    .unwrap_or(SubscriptionOptions::new(0).unwrap());
                (&filter[..], options)
            })
            .collect();
        let properties = kept(version, &own);
        check(&Packet::Subscribe(Subscribe { packet_id, properties, filters }), version)?;
    }

    #[test]
    fn suback_is_read_as_it_was_written(
        version in versions(),
        packet_id in packet_id(),
        own in properties(Place::Suback),
        codes in vec(select(vec![0u8, 1, 2, 0x80]), 1..5),
    ) {
        let properties = kept(version, &own);
        check(&Packet::Suback(Suback { packet_id, properties, codes: &codes }), version)?;
    }

    #[test]
    fn unsubscribe_is_read_as_it_was_written(
        version in versions(),
        packet_id in packet_id(),
        own in properties(Place::Unsubscribe),
        filters in vec(text(), 1..4),
    ) {
        let filters = filters.iter().map(|filter| &filter[..]).collect();
        let properties = kept(version, &own);
        check(&Packet::Unsubscribe(Unsubscribe { packet_id, properties, filters }), version)?;
    }

    #[test]
    fn unsuback_is_read_as_it_was_written(
        version in versions(),
        packet_id in packet_id(),
        own in properties(Place::Unsuback),
        codes in vec(select(vec![0u8, 0x11, 0x80, 0x91]), 1..5),
    ) {
        let properties = kept(version, &own);
        let codes: &[u8] = if version.has_properties() { &codes } else { &[] };
        check(&Packet::Unsuback(Unsuback { packet_id, properties, codes }), version)?;
    }

    #[test]
    fn disconnect_is_read_as_it_was_written(
        version in versions(),
        reason in select(allowed_reasons(|reason| {
            Packet::Disconnect(Disconnect { reason, properties: Properties::EMPTY })
        })),
        own in properties(Place::Disconnect),
    ) {
        let packet = Packet::Disconnect(Disconnect {
            reason: if version.has_properties() { reason } else { ReasonCode::SUCCESS },
            properties: kept(version, &own),
        });
        check(&packet, version)?;
    }

    #[test]
    fn auth_is_read_as_it_was_written(
        reason in select(allowed_reasons(|reason| {
            Packet::Auth(Auth { reason, properties: Properties::EMPTY })
        })),
        own in properties(Place::Auth),
    ) {
        let properties = own.as_properties();
        check(&Packet::Auth(Auth { reason, properties }), ProtocolVersion::V5)?;
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        version in versions(),
        bytes in vec(any::<u8>(), 0..200),
        limit in 0..400usize,
    ) {
        match Frame::parse(&bytes, limit) {
            Ok(Some(frame)) => {
                prop_assert!(frame.len <= limit.min(bytes.len()));
                let _ = Packet::decode(&frame, version);
            }
            Ok(None) => prop_assert!(bytes.len() < 2 || Frame::announced_len(&bytes).is_none_or(|len| len > bytes.len())),
            Err(_) => {}
        }
    }

    #[test]
    fn any_body_of_any_packet_is_read_or_refused(
        version in versions(),
        first in 0x10..=0xFFu8,
        body in vec(any::<u8>(), 0..100),
    ) {
        let mut bytes = vec![first, body.len() as u8];
        bytes.extend_from_slice(&body);
        let frame = Frame::parse(&bytes, NO_LIMIT).unwrap().unwrap();
        if let Ok(packet) = Packet::decode(&frame, version) {
            let mut written = Vec::new();
            packet.encode(&mut written, version);
            let frame = Frame::parse(&written, NO_LIMIT).unwrap().unwrap();
            prop_assert_eq!(Packet::decode(&frame, version).unwrap(), packet);
        }
    }
}

#[test]
fn pings_are_two_bytes_and_nothing_else() {
    for version in [
        ProtocolVersion::V31,
        ProtocolVersion::V311,
        ProtocolVersion::V5,
    ] {
        for (packet, first) in [(Packet::Pingreq, 0xC0), (Packet::Pingresp, 0xD0)] {
            let mut written = Vec::new();
            packet.encode(&mut written, version);
            assert_eq!(written, [first, 0]);
            let frame = Frame::parse(&written, 2).unwrap().unwrap();
            assert_eq!(Packet::decode(&frame, version), Ok(packet));
            let frame = Frame::parse(&[first, 1, 0], 3).unwrap().unwrap().len;
            assert_eq!(frame, 3);
            let long = [first, 1, 0];
            let frame = Frame::parse(&long, 3).unwrap().unwrap();
            assert!(Packet::decode(&frame, version).is_err());
        }
    }
}
