//! Requests with their responses, and requests to answer: by the properties that MQTT 5 has for it
//! (MQTT 5.0 section 4.10), or by topics alone ([`topics`]).
//!
//! What is subscribed to for this is the library's own: it is asked for again on every connection,
//! before anything that waits is sent, and the program does not hear of the answers.

mod outstanding;
mod topics;

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Instant;

use super::{
    random_client_id, random_seed, Client, Done, Guard, Message, Outcome, Publication, State, Token,
};
use crate::codec::{Properties, PropertyBuf, PropertyId, SubscriptionOptions, Value};
use crate::error::{CallerError, Error, Result};
use crate::session::log;
use crate::types::{topic, PacketId, QoS};
use outstanding::{Outstanding, Request};

/// Who waits for a response; called once.
pub type Answer = Box<dyn FnOnce(std::result::Result<&Message<'_>, Missed>) + Send>;
/// Who answers requests.
pub type Service = Arc<dyn Fn(&Message<'_>) + Send + Sync>;

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// The time is over.
    Late,
    /// The server does not let us ask, or not subscribe to where it would come.
    Refused,
    /// The request was not sent, and will not be.
    Unsent(Outcome),
    /// The client ends, or is made anew.
    Ended,
}

/// Where responses go unless the server says where.
const PREFIX: &str = "mqttrs/response";
/// Retained messages are no requests: the server shall not send them (MQTT 5).
const NO_RETAINED: u8 = 0x20;
/// The codes of SUBACK from here on are refusals, in every version.
const FIRST_REFUSAL: u8 = 0x80;

/// See the module's description.
pub(super) struct Requests {
    outstanding: Outstanding,
    /// The program is to be told of those whose time is over: it is in the queue of events.
    reminded: bool,
    /// What names this client in topics; empty until it is needed.
    name: String,
    /// Requests are made by topics alone in MQTT 5 too.
    by_topic: bool,
    /// The server's Response Information.
    information: Option<String>,
    /// Where responses come that go with properties.
    response_topic: Option<Arc<str>>,
    offers: Vec<Offer>,
    /// What is subscribed to on this connection, in order.
    listening: Vec<Arc<str>>,
    /// The connection that is meant.
    connection: u64,
    /// What has no SUBACK or UNSUBACK yet on this connection. They mostly come in order.
    asked: Vec<(PacketId, Arc<str>)>,
}

/// What is offered to others.
struct Offer {
    filter: Arc<str>,
    options: u8,
    service: Service,
}

impl Client {
    /// Publishes a request. Its response goes to `answer` and to no event handler; so does
    /// the end of the time, and of the client. Gives a number for [`Client::withdraw`].
    ///
    /// # Errors
    ///
    /// As [`Client::publish`]; then `answer` is not called.
    pub fn request(
        &self,
        message: &Publication<'_>,
        deadline: Instant,
        answer: Answer,
        on_id: impl FnOnce(PacketId),
    ) -> Result<u64> {
        let mut st = self.lock();
        self.expects.store(true, Ordering::Relaxed);
        let made = st.prepare_request(message, deadline, answer)?;
        let message = Publication {
            topic: &made.topic,
            properties: made.properties.as_properties(),
            ..*message
        };
        if let Err(error) = self.publish_with(st, &message, made.token, on_id) {
            self.withdraw(made.id);
            return Err(error);
        }
        if made.is_first {
            // A thread that waits for the network does not know of an earlier deadline.
            self.wake(&mut self.lock());
        }
        Ok(made.id)
    }

    /// Forgets a request, whose answer is then not called; `false` where that was called already.
    #[inline(never)]
    pub fn withdraw(&self, id: u64) -> bool {
        let mut st = self.lock();
        let request = st.requests.as_mut();
        request.and_then(|it| it.outstanding.remove(id)).is_some()
    }

    /// Whether requests are made by topics alone in MQTT 5 too, for who answers there without
    /// knowing its properties.
    pub fn set_requests_by_topic(&self, on: bool) {
        self.lock().requests().by_topic = on;
    }

    /// Hands the messages to `filter`, and requests by topics alone, to `service` instead of the
    /// event handler, and subscribes to them now and on every connection to come; with `None`
    /// ends that.
    #[inline(never)]
    pub fn serve(&self, filter: &str, qos: QoS, service: Option<Service>) -> Result<()> {
        let mut st = self.lock();
        self.expects.store(true, Ordering::Relaxed);
        let requests = st.requests();
        let options = qos.number() | NO_RETAINED;
        let filter: Arc<str> = filter.into();
        requests.listening.retain(|it| *it != filter);
        let place = requests.offers.iter().position(|it| it.filter == filter);
        if service.is_some() || place.is_some() {
            st.listen(&filter, service.as_ref().map(|_| options), true)?;
        }
        if let Some(place) = place {
            st.requests().offers.remove(place);
        }
        if let Some(service) = service {
            st.requests().offers.push(Offer {
                filter,
                options,
                service,
            });
        }
        self.kick_output(st);
        Ok(())
    }

    /// Takes no more requests, as the client ends or is made anew; whether some are left that
    /// [`Client::end_messages`] has to end.
    #[inline(never)]
    pub fn refuse_requests(&self) -> bool {
        let mut st = self.lock();
        st.refuses_requests = true;
        let requests = st.requests.as_ref();
        requests.is_some_and(|it| !it.outstanding.is_empty())
    }

    /// Hands a message to who waits for it as a response, or answers such requests, if
    /// somebody does.
    #[cold]
    pub(super) fn hand_over(&self, message: &Message<'_>) -> bool {
        let mut st = self.lock();
        let Some(requests) = &mut st.requests else {
            return false;
        };
        if let Some(request) = requests.take_answered(message) {
            drop(st);
            (request.answer)(Ok(message));
            return true;
        }
        let Some(service) = requests.service_for(message.topic()) else {
            return false;
        };
        drop(st);
        service(message);
        true
    }

    /// Tells of requests that end without a response, one by one, as `take` gives them; this thread
    /// has the right to.
    #[inline(never)]
    pub(super) fn end_requests<'a>(
        &'a self,
        mut st: Guard<'a>,
        why: Missed,
        take: &mut dyn FnMut(&mut Requests) -> Option<Request>,
    ) -> Guard<'a> {
        while let Some(request) = st.requests.as_mut().and_then(|it| take(it)) {
            drop(st);
            (request.answer)(Err(why));
            st = self.lock();
        }
        st
    }

    /// Tells of requests whose time is over.
    pub(super) fn end_late_requests<'a>(&'a self, mut st: Guard<'a>) -> Guard<'a> {
        let now = Instant::now();
        if let Some(requests) = &mut st.requests {
            requests.reminded = false;
        }
        self.end_requests(st, Missed::Late, &mut |it| it.outstanding.take_late(now))
    }

    /// Tells the host what became of its message, or ends the request whose message this was, unless it
    /// is on its way.
    #[inline(never)]
    pub(super) fn tell_done(&self, done: &Done) {
        let Some(number) = done.token.inner_number() else {
            return self.handler.done(done);
        };
        let why = match done.outcome {
            Outcome::Acknowledged if done.reason.is_error() => Missed::Refused,
            // In the last case nobody knows.
            Outcome::Sent | Outcome::Acknowledged | Outcome::SessionLost => return,
            outcome => Missed::Unsent(outcome),
        };
        let take = &mut |it: &mut Requests| it.outstanding.take_numbered(number);
        drop(self.end_requests(self.lock(), why, take));
    }

    /// All requests end with the client.
    pub(super) fn end_all_requests(&self) {
        let mut from = 0;
        let take = &mut |it: &mut Requests| it.outstanding.take_next(&mut from, None);
        drop(self.end_requests(self.lock(), Missed::Ended, take));
    }

    /// Whether a SUBACK or UNSUBACK is not the program's: then it is dealt with here. Where the server
    /// refuses, the requests end that would have their responses there.
    #[inline(never)]
    pub(super) fn is_own_answer<'a>(
        &'a self,
        mut st: Guard<'a>,
        packet_id: PacketId,
        codes: &[u8],
    ) -> (Guard<'a>, bool) {
        let asked = st.requests.as_mut().and_then(|it| {
            let place = it.asked.iter().position(|(id, _)| *id == packet_id)?;
            Some(it.asked.remove(place).1)
        });
        let Some(filter) = asked else {
            return (st, false);
        };
        if codes.iter().any(|code| *code >= FIRST_REFUSAL) {
            st.requests().listening.retain(|it| *it != filter);
            log!(st.session, SUBSCRIPTION_REFUSED, &*filter);
            let mut from = 0;
            let take = &mut |it: &mut Requests| {
                let filter = Some(&*filter);
                it.outstanding.take_next(&mut from, filter)
            };
            st = self.end_requests(st, Missed::Refused, take);
        }
        (st, true)
    }
}

/// What is to be published for a request.
struct Prepared {
    topic: String,
    properties: PropertyBuf,
    id: u64,
    token: Token,
    /// Its deadline is the first.
    is_first: bool,
}

impl State {
    #[inline(never)]
    fn requests(&mut self) -> &mut Requests {
        self.requests.get_or_insert_with(|| {
            Box::new(Requests {
                outstanding: Outstanding::new(random_seed()),
                reminded: false,
                name: String::new(),
                by_topic: false,
                information: None,
                response_topic: None,
                offers: Vec::new(),
                listening: Vec::new(),
                connection: 0,
                asked: Vec::new(),
            })
        })
    }

    /// When the next request ends without a response.
    pub(super) fn request_deadline(&self) -> Option<Instant> {
        let requests = self.requests.as_ref()?;
        let deadline = requests.outstanding.deadline();
        deadline.filter(|_| !requests.reminded)
    }

    /// Has the program told of requests whose time is over.
    pub(super) fn remind_of_requests(&mut self, now: Instant) {
        if self.request_deadline().is_some_and(|due| due <= now) {
            self.requests().reminded = true;
            self.session.remind();
        }
    }

    /// CONNACK has accepted the connection: what is subscribed to is asked for again.
    #[inline(never)]
    pub(super) fn listen_again(&mut self, properties: Properties<'_>) {
        let information = properties.string(PropertyId::ResponseInformation);
        if self.requests.is_none() && information.is_none() {
            return;
        }
        self.begin_listening();
        let requests = self.requests();
        requests.information = information.map(str::to_owned);
        requests.response_topic = None;
        let mut from = 0;
        while let Some(filter) = self.requests().outstanding.next_filter(&mut from) {
            self.listen_or_log(&filter, QoS::ExactlyOnce.number(), false);
        }
        let mut place = 0;
        while let Some(offer) = self.requests().offers.get(place) {
            let (filter, options) = (Arc::clone(&offer.filter), offer.options);
            self.listen_or_log(&filter, options, true);
            place += 1;
        }
    }

    /// What was subscribed to on an earlier connection does not count.
    fn begin_listening(&mut self) {
        let connection = self.session.connection();
        let requests = self.requests();
        if requests.connection != connection {
            requests.connection = connection;
            requests.listening.clear();
            requests.asked.clear();
        }
    }

    fn listen_or_log(&mut self, filter: &Arc<str>, options: u8, offered: bool) {
        if let Err(error) = self.listen(filter, Some(options), offered) {
            log!(self.session, RESUBSCRIBE_FAILED, &error);
        }
    }

    /// Notes a request and makes its message.
    #[inline(never)]
    fn prepare_request(
        &mut self,
        message: &Publication<'_>,
        deadline: Instant,
        answer: Answer,
    ) -> Result<Prepared> {
        if self.closed || self.refuses_requests {
            return Err(CallerError::NotConnected.into());
        }
        if self.requests().name.is_empty() {
            let id = self.session.client_id().filter(|id| topics::is_level(id));
            let name = id.map_or_else(random_client_id, str::to_owned);
            self.requests().name = name;
        }
        let has_properties = self.session.version().has_properties();
        let requests = self.requests();
        let by_topic = requests.by_topic || !has_properties;
        let id = requests.outstanding.next_id();
        let mut properties = message.properties.to_buf();
        let (filter, topic): (Arc<str>, String);
        if by_topic {
            filter = topics::responses(message.topic, &requests.name).into();
            topic = topics::request(message.topic, &requests.name, id);
        } else {
            filter = requests.response_topic();
            topic = message.topic.to_owned();
            properties.push(PropertyId::ResponseTopic, Value::String(&filter))?;
            let correlation = id.to_be_bytes();
            properties.push(PropertyId::CorrelationData, Value::Binary(&correlation))?;
        }
        self.listen(&filter, Some(QoS::ExactlyOnce.number()), false)?;
        let request = Request { filter, answer };
        let outstanding = &mut self.requests().outstanding;
        let token = Token::inner(outstanding.next_number());
        let is_first = outstanding.insert(deadline, request);
        Ok(Prepared {
            topic,
            properties,
            id,
            token,
            is_first,
        })
    }

    /// Subscribes, unless that was done on this connection, or unsubscribes, without `options`; of
    /// what is `offered`, requests by topics alone too. Without a connection it is done on the next.
    #[inline(never)]
    fn listen(&mut self, filter: &Arc<str>, options: Option<u8>, offered: bool) -> Result<()> {
        self.begin_listening();
        let requests = self.requests();
        let place = requests.listening.binary_search(filter);
        let Err(place) = place else {
            return Ok(());
        };
        let both = [&**filter, &topics::requests(filter)];
        // All topics below have these too.
        let filters = match offered && !filter.ends_with('#') {
            true => &both[..],
            false => &both[..1],
        };
        let asked = match options {
            Some(options) => {
                let options = SubscriptionOptions::new(options).ok_or(Error::invalid("QoS"))?;
                let filters: Vec<_> = filters.iter().map(|it| (*it, options)).collect();
                self.session.subscribe_to(&filters, Properties::EMPTY)
            }
            None => self.session.unsubscribe_from(filters, Properties::EMPTY),
        };
        let packet_id = match asked {
            Err(Error::Caller(CallerError::NotConnected)) => return Ok(()),
            asked => asked?,
        };
        let requests = self.requests();
        if options.is_some() {
            requests.listening.insert(place, Arc::clone(filter));
        }
        requests.asked.push((packet_id, Arc::clone(filter)));
        Ok(())
    }
}

impl Requests {
    /// Where the server is asked to send responses (MQTT 5.0 section 4.10.1).
    fn response_topic(&mut self) -> Arc<str> {
        if let Some(topic) = &self.response_topic {
            return Arc::clone(topic);
        }
        let mut prefix = self.information.as_deref().unwrap_or(PREFIX);
        // Nothing that comes of the server shall keep requests from being made.
        if !topic::is_name(prefix) || prefix.len() + 1 + self.name.len() > topic::MAX_LEN {
            prefix = PREFIX;
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let made: Arc<str> = [prefix, "/", &self.name].concat().into();
        self.response_topic = Some(Arc::clone(&made));
        made
    }

    /// Takes out the request to which this message is the response.
    fn take_answered(&mut self, message: &Message<'_>) -> Option<Request> {
        let topic = message.topic();
        let correlation = message.properties.binary(PropertyId::CorrelationData);
        let correlation = correlation.and_then(|data| data.try_into().ok());
        for id in [
            correlation.map(u64::from_be_bytes),
            topics::number_of(topic),
        ] {
            let request = id.and_then(|id| self.outstanding.get(id));
            if request.is_some_and(|it| topics::is_expected(topic, &it.filter)) {
                return self.outstanding.remove(id?);
            }
        }
        None
    }

    /// Who answers requests to this topic.
    fn service_for(&self, topic: &str) -> Option<Service> {
        let asked = topics::parse(topic).map(|(asked, _)| asked.as_bytes());
        let takes = |offer: &&Offer| {
            let filter = topics::unshared(&offer.filter).as_bytes();
            topic::matches(filter, topic.as_bytes())
                || asked.is_some_and(|asked| topic::matches(filter, asked))
        };
        let offer = self.offers.iter().find(takes)?;
        Some(Arc::clone(&offer.service))
    }
}

/// Where the response to a request goes, and its properties: `own` and those that it takes.
///
/// # Errors
///
/// `InvalidArgument` for a message that says nowhere where to.
pub fn response_to(
    topic: &str,
    properties: Properties<'_>,
    mut own: PropertyBuf,
) -> Result<(String, PropertyBuf)> {
    if let Some(to) = properties.string(PropertyId::ResponseTopic) {
        if let Some(data) = properties.binary(PropertyId::CorrelationData) {
            own.push(PropertyId::CorrelationData, Value::Binary(data))?;
        }
        return Ok((to.to_owned(), own));
    }
    let to = topics::response_to(topic);
    let to = to.ok_or(Error::invalid("the message asks for no response"))?;
    Ok((to, own))
}
