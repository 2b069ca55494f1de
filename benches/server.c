/* A server that costs next to nothing: it accepts any MQTT 3.1.1 client, throws away
 * what it publishes (answering a PINGREQ only), and answers SUBSCRIBE to "bench/N"
 * with N messages of QoS 0 and 64 bytes. Prints its port, ends with its input. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAYLOAD = 64, BATCH = 512 };

static void send_all(int fd, const unsigned char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

static void send_messages(int fd, long count)
{
	unsigned char message[2 + 2 + 1 + PAYLOAD] = {0x30, 2 + 1 + PAYLOAD, 0, 1, 't'};
	unsigned char *batch = malloc(sizeof message * BATCH);

	memset(message + 5, 'x', PAYLOAD);
	for (int i = 0; i < BATCH; i++)
		memcpy(batch + sizeof message * (size_t)i, message, sizeof message);
	for (; count > 0; count -= BATCH)
		send_all(fd, batch, sizeof message * (size_t)(count < BATCH ? count : BATCH));
	free(batch);
}

/* Handles one packet at the start of a read that holds it whole: the ones that need an
 * answer come one at a time in these benchmarks. */
static void *serve(void *argument)
{
	int fd = (int)(long)argument;
	static const unsigned char connack[] = {0x20, 2, 0, 0}, pingresp[] = {0xD0, 0};
	static unsigned char buffer[1 << 20];
	unsigned char *bytes = malloc(sizeof buffer);
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof buffer, 0)) > 0) {
		switch (bytes[0]) {
		case 0x10:
			send_all(fd, connack, sizeof connack);
			break;
		case 0x82: {
			unsigned char suback[] = {0x90, 3, bytes[2], bytes[3], 0};
			send_all(fd, suback, sizeof suback);
			bytes[n - 1] = 0; /* ends the filter */
			send_messages(fd, atol((char *)bytes + 6 + strlen("bench/")));
			break;
		}
		case 0xC0:
			send_all(fd, pingresp, sizeof pingresp);
			break;
		default:
			break;
		}
	}
	close(fd);
	free(bytes);
	return NULL;
}

static void *accept_all(void *argument)
{
	int listener = (int)(long)argument, fd;
	pthread_t thread;

	while ((fd = accept(listener, NULL, NULL)) >= 0)
		if (pthread_create(&thread, NULL, serve, (void *)(long)fd) == 0)
			pthread_detach(thread);
	return NULL;
}

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	pthread_t thread;
	char byte;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) != 0 ||
	    listen(listener, 64) != 0 || getsockname(listener, (struct sockaddr *)&address, &len) != 0 ||
	    pthread_create(&thread, NULL, accept_all, (void *)(long)listener) != 0) {
		perror("server");
		return 1;
	}
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
