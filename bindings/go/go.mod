module mqttrs

go 1.19
