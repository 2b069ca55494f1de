//! A PUBLISH behind its fixed header: its bytes, and how many they are.

use super::aliases::OutboundAliases;
use super::outbound::{Content, Entry};
use super::publish::Publication;
use super::Session;
use crate::codec::primitive::{put_string, varint_len, VARINT_MAX};
use crate::codec::{Properties, PropertyBuf, PropertyId, Publish};
use crate::types::{PacketId, ProtocolVersion, QoS};

impl Session {
    /// Rewrites the bodies of waiting messages for another protocol version.
    pub(super) fn convert_waiting(&mut self, version: ProtocolVersion) {
        let old = self.version;
        if old.has_properties() == version.has_properties() {
            return;
        }
        self.outbound.convert(|outbound, entry| {
            let flags = entry.qos.number() << 1;
            let packet;
            let (topic, payload): (&str, &[u8]) = match &entry.content {
                Content::Parts(parts) => (&parts.topic, &parts.payload),
                Content::Released(_) => return None,
                content => {
                    let body = outbound.body(content).to_vec();
                    packet = body;
                    // We encoded it ourselves, so it decodes.
                    let packet = Publish::decode(flags, &packet, old).ok()?;
                    (packet.topic, packet.payload)
                }
            };
            let message = Publication {
                topic,
                payload,
                qos: entry.qos,
                retain: entry.retain,
                properties: Properties::EMPTY,
            };
            let len = body_len(version, &message);
            Some(outbound.keep_body(len, |out| put_body(out, version, &message, entry.packet_id)))
        });
    }

    /// Keeps the PUBLISH of an earlier process as it is sent in the present version.
    pub(super) fn keep_publish(&mut self, packet: &Publish<'_>, id: PacketId) -> Content {
        let version = self.version;
        let message = Publication {
            topic: packet.topic,
            payload: packet.payload,
            qos: packet.qos,
            retain: packet.retain,
            properties: packet.properties,
        };
        let mut body = Vec::new();
        put_body(&mut body, version, &message, id);
        self.outbound
            .keep_body(body.len(), |out| out.extend_from_slice(&body))
    }
}

/// The size of what [`put_body`] appends.
#[inline(always)]
pub(super) fn body_len(version: ProtocolVersion, message: &Publication<'_>) -> usize {
    let properties = match version.has_properties() {
        true => message.properties.encoded_len(),
        false => 0,
    };
    2 + message.topic.len() + packet_id_len(message.qos) + properties + message.payload.len()
}

/// Appends the variable header and payload of a PUBLISH.
#[inline(always)]
pub(super) fn put_body(
    out: &mut Vec<u8>,
    version: ProtocolVersion,
    message: &Publication<'_>,
    id: PacketId,
) {
    put_string(out, message.topic);
    if message.qos != QoS::AtMostOnce {
        out.extend_from_slice(&id.number().to_be_bytes());
    }
    if version.has_properties() {
        message.properties.put(out);
    }
    out.extend_from_slice(message.payload);
}

/// The size of the PUBLISH at most.
pub(super) fn entry_len(
    entry: &Entry,
    version: ProtocolVersion,
    aliases: &OutboundAliases,
) -> usize {
    let body_len = match &entry.content {
        Content::Body(span) => span.len(),
        Content::Large(body) => body.len(),
        Content::Parts(parts) => {
            let properties = parts.properties.as_properties();
            let properties = properties_len(properties, parts.alias, version, aliases);
            let by_alias = parts.topic_by_alias
                && parts
                    .alias
                    .is_some_and(|alias| aliases.knows(alias, &parts.topic));
            let topic_len = if by_alias { 0 } else { parts.topic.len() };
            2 + topic_len + packet_id_len(entry.qos) + properties + parts.payload.len()
        }
        Content::Released(_) => 0,
    };
    1 + varint_len(body_len.min(VARINT_MAX as usize) as u32) + body_len
}

/// Bytes of the properties of a message with this alias, as they are sent: an alias that the
/// server does not take is left out.
pub(super) fn properties_len(
    properties: Properties<'_>,
    alias: Option<u16>,
    version: ProtocolVersion,
    aliases: &OutboundAliases,
) -> usize {
    if !version.has_properties() {
        0
    } else if alias.is_some_and(|alias| !aliases.usable(alias)) {
        without_alias(properties).as_properties().encoded_len()
    } else {
        properties.encoded_len()
    }
}

/// Bytes of the packet identifier, which only messages that are acknowledged have.
#[inline(always)]
pub(super) const fn packet_id_len(qos: QoS) -> usize {
    match qos {
        QoS::AtMostOnce => 0,
        _ => 2,
    }
}

/// These properties but for the topic alias.
pub(super) fn without_alias(properties: Properties<'_>) -> PropertyBuf {
    let mut rest = PropertyBuf::new();
    for (id, value) in properties
        .iter()
        .filter(|(id, _)| *id != PropertyId::TopicAlias)
    {
        // The values were accepted before, so they are again.
        let _ = rest.push(id, value);
    }
    rest
}
